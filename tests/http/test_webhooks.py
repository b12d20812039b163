"""A delivery of a known sender starts a run, once; any other is told 401 and no more."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commands.errors import Misuse
from commands.http import hooks
from commands.http.service import MAX_BODY_BYTES
from tests.http.conftest import Copies, hook
from tests.workflows.stage import agent

ORDER = json.dumps({"order": {"id": 4711, "lines": ["a", "b"]}}).encode()
SECRET = b"a secret of sixteen bytes or more"


def signed(
    body: bytes = ORDER, *, delivery: str = "", moment: float = 0, secret: bytes = SECRET
) -> dict[str, str]:
    """Return the headers of a delivery that its sender has signed."""
    delivery = delivery or f"msg_{uuid4().hex}"
    at = str(int(moment or time.time()))
    told = f"{delivery}.{at}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, told, hashlib.sha256).digest()).decode()
    return {"webhook-id": delivery, "webhook-timestamp": at, "webhook-signature": f"v1,{digest}"}


async def deliver(
    copies: Copies, headers: dict[str, str], body: bytes = ORDER, *, copy: int = 0, name: str = ""
) -> httpx.Response:
    """Send a delivery to one copy."""
    where = f"/v1/webhooks/{name or 'orders'}"
    return await copies.http[copy].post(where, content=body, headers=headers)


@pytest.mark.requirement("C4.9:webhook-starts")
async def test_a_delivery_twice_to_two_copies_is_one_run(copies: Copies) -> None:
    """It runs on what was delivered, in the webhook's name, for the webhook's tenant."""
    await copies.stage.play(agent("bench"), ["done"])
    copies.serve(webhooks={"orders": hook(tenant="shop")})
    headers = signed()

    first = await deliver(copies, headers)
    second = await deliver(copies, headers, copy=1)
    program = await copies.program(tenant="shop")
    ended = await program.get(f"/v1/runs/{first.json()['run_id']}/result?wait=20")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["run_id"] == second.json()["run_id"]
    assert (first.json()["new"], second.json()["new"]) == (True, False)
    assert ended.json()["outcome"] == "completed"
    assert copies.stage.provider.asked[0].said.endswith("order 4711")


@pytest.mark.requirement("C4.9:webhook-refused")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret=b"another secret of sixteen bytes"),
        signed(moment=time.time() - 400),
        signed(moment=time.time() + 4000),
        signed(b"{}"),
        signed() | {"webhook-id": "msg_another"},
        signed() | {"webhook-timestamp": str(int(time.time()) + 1)},
        signed() | {"webhook-signature": "v1,"},
        signed() | {"webhook-signature": "v2," + signed()["webhook-signature"][3:]},
        {name: value for name, value in signed().items() if name != "webhook-id"},
    ],
    ids=["unsigned", "forged", "old", "future", "body", "id", "time", "empty", "v2", "no id"],
)
async def test_what_is_not_surely_the_senders_is_told_nothing(
    copies: Copies, headers: dict[str, str]
) -> None:
    """Forged, replayed under another id, a stranger's: the same answer, letter by letter."""
    copies.serve(webhooks={"orders": hook()})

    answer = await deliver(copies, headers)
    nobody = await deliver(copies, signed(), name="nobody")

    assert answer.status_code == nobody.status_code == 401
    assert answer.content == nobody.content


@pytest.mark.requirement("C4.9:webhook-refused")
async def test_a_secret_is_exchanged_without_a_gap(copies: Copies) -> None:
    """Both secrets sign while there are two, and a sender may send both signatures."""
    new = b"the new secret of sixteen bytes"
    copies.serve(webhooks={"orders": hook(keys=(SECRET, new))})
    both = signed(delivery="msg_both")
    both["webhook-signature"] += " v1,bm90aGluZw=="

    answers = [await deliver(copies, each) for each in (signed(), signed(secret=new), both)]

    assert [answer.status_code for answer in answers] == [202, 202, 202]


@pytest.mark.requirement("C4.9:bad-input")
@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"order=4711", 400, "malformed-json"),
        (b"", 400, "malformed-json"),
        (b'{"order": {"id": NaN}}', 400, "malformed-json"),
        (b'{"order": {}}', 422, "unfit-input"),
        (b"[1]", 422, "unfit-input"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "content-too-large"),
    ],
)
async def test_a_signed_delivery_that_is_unfit_says_what_is_wrong(
    copies: Copies, body: bytes, status: int, kind: str
) -> None:
    """Its sender is known, so it is told; nothing is started."""
    copies.serve(webhooks={"orders": hook()})

    answer = await deliver(copies, signed(body), body)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:holdfast:problem:{kind}")


@pytest.mark.requirement("C4.9:webhook-starts")
@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{order.id}}", 4711),
        ("{{ order.lines }}", ["a", "b"]),
        ("{{order.lines.1}}", "b"),
        ("no. {{order.id}}: {{order.lines}}", 'no. 4711: ["a","b"]'),
        ({"deep": ["{{order.id}}", 1, None]}, {"deep": [4711, 1, None]}),
        ("{{order}} {", '{"id":4711,"lines":["a","b"]} {'),
    ],
)
def test_a_template_is_filled_with_what_was_delivered(template: Any, filled: Any) -> None:
    """Alone in its place a value keeps its type; within a text it is written out."""
    webhook = replace(hook(), template={"x": template})

    assert webhook.filled(json.loads(ORDER)) == {"x": filled}


_GOOD = """
[[webhook]]
name = "orders"
secret_env = "ORDERS_SECRET"
input = {agent = "bench", task = "{{id}}"}
"""


@pytest.mark.requirement("C4.9:webhook-config")
def test_a_file_of_webhooks_is_read(tmp_path: Path) -> None:
    """The secret is the variable's, in whatever form senders give theirs."""
    file = tmp_path / "webhooks.toml"
    file.write_text(_GOOD)
    secret = "whsec_" + base64.b64encode(SECRET).decode()

    found = hooks.load(file, {"ORDERS_SECRET": secret})["orders"]

    assert (found.keys, found.workflow, found.tenant) == ((SECRET,), "agent", "default")


@pytest.mark.requirement("C4.9:webhook-config")
@pytest.mark.parametrize(
    ("text", "secret", "told"),
    [
        ("nonsense", "x" * 16, "is not TOML"),
        (_GOOD, "", "holds no secret"),
        (_GOOD, "short", "holds no secret"),
        (_GOOD, "whsec_???", "holds no secret"),
        (_GOOD + 'workflow = "nothing"', "x" * 16, "there is no workflow 'nothing'"),
        (_GOOD + 'secrets = "in the clear"', "x" * 16, "Extra inputs are not permitted"),
        (_GOOD + _GOOD, "x" * 16, "the same name"),
        (_GOOD.replace("orders", "Or ders"), "x" * 16, "webhook.0.name"),
    ],
)
def test_a_webhook_that_cannot_be_served_is_refused_at_the_start(
    tmp_path: Path, text: str, secret: str, told: str
) -> None:
    """The message names the file and what is wrong in it, never a secret."""
    file = tmp_path / "webhooks.toml"
    file.write_text(text)

    with pytest.raises(Misuse) as refused:
        hooks.load(file, {"ORDERS_SECRET": secret})

    assert told in str(refused.value)
    assert str(file) in str(refused.value)
