"""What cannot be read, or is not let in, is told as a problem; nothing of ours leaks."""

import json
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select
from temporalio.service import RPCError, RPCStatusCode

from commands.http import problems
from commands.http.service import MAX_BODY_BYTES
from runtime.tables import TOKENS
from runtime.tokens import Tokens
from tests.http.conftest import Copies, key, start

_JSON = {"Content-Type": "application/json"}


def kind(answer: httpx.Response) -> str:
    """Return the kind of a problem, once it is known to be one."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return str(problem["type"]).removeprefix(problems.PREFIX)


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b'{"workflow": ', _JSON, 400, "malformed-json"),
        (b'{"workflow": "agent", "input": {"task": NaN}}', _JSON, 400, "malformed-json"),
        (b'{"workflow": "agent", "workflow": "audit"}', _JSON, 400, "malformed-json"),
        (b'{"workflow": "\\ud800"}', _JSON, 400, "malformed-json"),
        (b"\xff\xfe", _JSON, 400, "malformed-json"),
        (b'{"workflow":"agent","input":' + b'{"x":' * 99 + b"1" + b"}" * 100, _JSON, 400, ""),
        (b"[]", _JSON, 422, "unfit-request"),
        (b"", _JSON, 422, "unfit-request"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "not-json"),
        (b'{"workflow": 5}', _JSON, 422, "unfit-request"),
        (b'{"workflow": "agent", "input": []}', _JSON, 422, "unfit-request"),
        (b'{"workflow": "agent", "more": 1}', _JSON, 422, "unfit-request"),
        (b'{"workflow": "nothing"}', _JSON, 422, "unfit-input"),
        (b" " * (MAX_BODY_BYTES + 1), _JSON, 413, "content-too-large"),
    ],
)
async def test_a_body_that_cannot_be_a_start_is_refused(
    copies: Copies, body: bytes, headers: Mapping[str, str], status: int, told: str
) -> None:
    """Malformed, of another type, too large, unknown: each has its own kind, and plain words."""
    program = await copies.program()

    answer = await program.post("/v1/runs", content=body, headers={**headers, **key("a")})

    assert answer.status_code == status
    assert kind(answer) == (told or "malformed-json")


@pytest.mark.requirement("C4.9:bad-input")
async def test_a_body_that_does_not_say_its_size_is_not_read_to_its_end(copies: Copies) -> None:
    """Sent in chunks, it is refused once there is too much of it."""
    program = await copies.program()

    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(MAX_BODY_BYTES // 100_000 + 1):
            yield b" " * 100_000

    headers = {**_JSON, **key("a")}
    answer = await program.post("/v1/runs", content=chunks(), headers=headers)

    assert (answer.status_code, kind(answer)) == (413, "content-too-large")


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize("given", ["", "k" * 201, None])
async def test_a_start_needs_a_key(copies: Copies, given: str | None) -> None:
    """Without one, or with one that cannot be, nothing starts; the field is named."""
    program = await copies.program()

    answer = await program.post(
        "/v1/runs", json=start(), headers=key(given) if given is not None else {}
    )

    assert answer.status_code == 422
    assert "dempotency" in answer.json()["detail"]


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/runs/" + "x" * 501, 422),
        ("/v1/runs/a%00b", 422),
        ("/v1/runs/a'%20OR%20'1'='1", 404),
        ("/v1/runs/a%2Fb", 404),
        ("/v1/runs/x/result?wait=-1", 422),
        ("/v1/runs/x/result?wait=nan", 422),
        ("/v1/runs/x/result?wait=61", 422),
        ("/v1/runs?limit=0", 422),
        ("/v1/runs?limit=1e9", 422),
        ("/v1/runs?state='", 200),
        ("/v1/runs?state=%00", 422),
        ("/v1/approvals?below=%00", 422),
        ("/v1/approvals?below=%5C'%20OR%20''='", 200),
        ("/v1/nothing", 404),
        ("/docs", 404),
    ],
)
async def test_an_address_that_cannot_be_is_told(copies: Copies, path: str, status: int) -> None:
    """Over-long, with control characters, with quotes of a query: none reaches further."""
    program = await copies.program()

    answer = await program.get(path)

    assert answer.status_code == status
    if status != 200:
        kind(answer)


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize(
    ("where", "body", "field"),
    [
        ("approvals/q", {"verdict": "yes"}, "verdict"),
        ("approvals/q", {"reason": "x"}, "verdict"),
        ("approvals/q", {"verdict": "approve", "reason": "x" * 4001}, "reason"),
        ("approvals/q", {"verdict": "modify", "arguments": [1]}, "arguments"),
        ("approvals/" + "q" * 101, {"verdict": "approve"}, "approval_id"),
        ("stop", {"verdict": "go"}, "verdict"),
        ("stop", {"verdict": "retry", "by": "me"}, "by"),
    ],
)
async def test_an_answer_of_a_wrong_form_names_the_field(
    copies: Copies, where: str, body: dict[str, Any], field: str
) -> None:
    """Before any run is asked."""
    program = await copies.program()

    answer = await program.post(f"/v1/runs/x/{where}", json=body)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


@pytest.mark.requirement("C4.9:tokens")
async def test_nobody_comes_in_without_a_good_token(copies: Copies) -> None:
    """None, another's words, an expired one and a revoked one are told alike."""
    expired = await copies.token(days=-1)
    revoked = await copies.token()
    good = await copies.token()
    await Tokens(copies.stage.database).revoke(revoked.split("_")[1])
    wrong = good[:-1] + ("a" if good[-1] != "a" else "b")

    async def told(value: str | None) -> tuple[int, bytes]:
        headers = {} if value is None else {"Authorization": value}
        answer = await copies.http[0].get("/v1/runs", headers=headers)
        return answer.status_code, answer.content

    outside = [
        await told(each) for each in (None, "", "Basic YTpi", "Bearer", "Bearer x", "Bearer hf__")
    ]
    outside += [
        await told(f"Bearer {each}") for each in (expired, revoked, wrong, "hf_" + "x" * 9999)
    ]

    assert {status for status, _ in outside} == {401}
    assert len({content for _, content in outside}) == 1
    assert (await told(f"Bearer {good}"))[0] == 200


@pytest.mark.requirement("C4.9:tokens")
async def test_a_token_is_kept_as_its_hash(copies: Copies) -> None:
    """What is in the database lets nobody in, and does not hold the text."""
    text = await copies.token()
    token_id, secret = text.split("_", 2)[1:]

    async with copies.stage.database.transaction() as connection:
        query = select(TOKENS).where(TOKENS.c.id == token_id)
        row = dict((await connection.execute(query)).mappings().one())

    assert secret not in json.dumps(row, default=str)
    tokens = Tokens(copies.stage.database)
    assert await tokens.holder(f"hf_{token_id}_{row['hash']}") is None
    found = await tokens.holder(text)
    assert found is not None
    assert found.is_good(datetime.now(UTC))
    assert not found.is_good(datetime.now(UTC) + timedelta(days=2))


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize(
    ("status", "told"),
    [(RPCStatusCode.UNAVAILABLE, "no-server"), (RPCStatusCode.INTERNAL, "unexpected")],
)
async def test_a_fault_of_ours_is_told_without_its_cause(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode, told: str
) -> None:
    """A server that is away is 503 with when to come again; a bug is 500; neither says more."""

    async def broken(*_: object, **__: object) -> None:
        raise RPCError("secret cause", status, b"")

    program = await copies.program()
    monkeypatch.setattr("commands.reading.described", broken)

    answer = await program.get(f"/v1/runs/{uuid4()}")

    assert kind(answer) == told
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.requirement("C4.9:bad-input")
async def test_another_method_is_refused_and_health_needs_no_token(copies: Copies) -> None:
    """405 as a problem; /healthz and /readyz answer everyone."""
    answer = await copies.http[0].delete("/v1/runs")

    assert (answer.status_code, kind(answer)) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, POST"
    for path in ("/healthz", "/readyz"):
        found = await copies.http[0].get(path)
        assert found.json() == {"ready": True, "missing": []}
