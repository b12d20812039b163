"""What comes in over HTTP is bounded, and told without being believed."""

import asyncio
import json
from collections.abc import AsyncGenerator
from uuid import uuid4

import httpx
import pytest
import structlog

from commands.http import limits
from tests.http.conftest import Copies, key, start


@pytest.mark.requirement("C6.7:http-hardened")
async def test_an_answer_is_nothing_that_a_browser_or_cache_makes_use_of(copies: Copies) -> None:
    """On every answer, a good one, a problem, and one to nobody."""
    program = await copies.program()

    answers = [
        await program.get("/v1/runs"),
        await program.get("/v1/nothing"),
        await copies.http[0].get("/v1/runs"),
        await copies.http[0].get("/healthz"),
    ]

    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert answer.headers["content-type"].partition(";")[0].endswith("json")


@pytest.mark.requirement("C6.7:http-hardened")
async def test_a_body_that_never_ends_is_given_up(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends a byte now and then does not hold a connection for ever."""
    monkeypatch.setattr(limits, "_PATIENCE_S", 0.3)
    program = await copies.program()

    async def trickle() -> AsyncGenerator[bytes]:
        yield b'{"workflow": "agent", '
        await asyncio.sleep(5)
        yield b"}"

    began = asyncio.get_running_loop().time()
    try:
        answer = await program.post(
            "/v1/runs",
            content=trickle(),
            headers={"Content-Type": "application/json", **key("slow")},
        )
        status = answer.status_code
    except httpx.HTTPError:
        status = 408  # the service has closed the connection while the client was still sending

    assert status == 408
    assert asyncio.get_running_loop().time() - began < 30


@pytest.mark.requirement("C6.7:http-hardened")
async def test_the_log_of_a_request_has_nothing_that_was_sent(copies: Copies) -> None:
    """Neither token, nor address, nor query, nor body, whatever they look like."""
    text = await copies.token()
    words = f"w{uuid4().hex}"
    program = await copies.program()
    bait = f'{words}"}}%0a{{"level": "error"'

    with structlog.testing.capture_logs() as lines:
        await program.get(f"/v1/runs/{bait}", params={"x": words})
        await program.get(f"/{words}", headers={"User-Agent": words, "X-Request-Id": words})
        await program.post("/v1/runs", json=start(words, agent=words), headers=key(words))
        await copies.http[0].get("/v1/runs", headers={"Authorization": f"Bearer {text}{words}"})

    assert len([line for line in lines if line["event"] == "request"]) == 4
    assert words not in json.dumps(lines, default=str)
    assert text not in json.dumps(lines, default=str)


@pytest.mark.requirement("C6.7:http-hardened")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/runs/../../etc/passwd",
        "/v1/runs/%2e%2e/%2e%2e/etc/passwd",
        "/v1/runs/..%5c..%5cwindows",
        "/v1/runs//etc/passwd",
        "/../starter.py",
        "//v1/runs",
        "/v1/runs;x=y",
    ],
)
async def test_a_path_leads_to_no_file(copies: Copies, path: str) -> None:
    """There are no files behind the service; each is a run that never was, or nothing at all."""
    program = await copies.program()

    answer = await program.get(path)

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"
