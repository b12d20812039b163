"""What the stand-in's server answers: two protocols, its counts, and the faults set for it."""

import asyncio
import hashlib
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import orjson

from agents.offline import Reply
from domain.contract import digest
from runtime.offline import embeddings, rules
from runtime.offline.caching import PromptCache
from runtime.offline.http import Request, Response
from runtime.offline.misbehaviour import (
    Dice,
    Misbehave,
    MisbehaveError,
    Rule,
    Thrown,
    load,
    parse_rule,
)
from runtime.offline.protocols import (
    PROTOCOLS,
    Asked,
    Failed,
    Protocol,
    fingerprint,
)
from runtime.offline.stats import CallRecord, Stats

NOTICE: Final = {"x-holdfast-stand-in": "offline model, not a language model"}
_OVERSIZED: Final = 2_000_000
_TAIL: Final = 65_536


@dataclass(frozen=True)
class _Exchange:
    """One model call on its way through the stand-in."""

    protocol: Protocol
    request: Request
    asked: Asked
    agent: str
    record: CallRecord
    faults: dict[str, Rule]


class App:
    """The stand-in's state: faults and counts; conversations are in the requests."""

    def __init__(self, setting: Misbehave) -> None:
        self._dice = Dice(setting)
        self._stats = Stats()
        self._cache = PromptCache()
        self._kept: deque[tuple[str, str, bytes]] = deque(maxlen=0)

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path in PROTOCOLS and request.method == "POST":
            return await self._complete(PROTOCOLS[request.path], request)
        if request.path in embeddings.PATHS and request.method == "POST":
            return _embedded(request)
        if request.path == "/misbehave":
            return self._misbehave(request)
        if request.method != "GET":
            return _json({"error": {"message": f"{request.method} {request.path} is unknown"}}, 404)
        return self._told(request.path)

    def _told(self, path: str) -> Response:
        if path == "/healthz":
            return _json({"ok": True, "serves": "offline stand-in"})
        if path == "/v1/models":
            model = {"id": "offline-stand-in", "object": "model", "created": 0, "owned_by": "you"}
            return _json({"object": "list", "data": [model]})
        if path == "/stats":
            return _json(self._stats.all())
        if path.startswith("/requests/"):
            return self._requests(path.removeprefix("/requests/"))
        if path.startswith("/stats/"):
            # A run is known here by its opaque id; a logical run's own name is taken as well.
            name = path.removeprefix("/stats/")
            found = self._stats.of(name)
            return _json(found if found["calls"] else self._stats.of(digest("caller", name)))
        return _json({"error": {"message": f"nothing at {path}"}}, 404)

    def _keep(self, protocol: Protocol, asked: Asked, request: Request) -> None:
        if self._kept.maxlen:
            self._kept.append((asked.caller, protocol.vendor, request.body))

    def _requests(self, name: str) -> Response:
        """Return the kept requests of one logical run, oldest first, as they came."""
        names = {name, digest("caller", name)}
        found = [
            {"vendor": vendor, "body": orjson.loads(body)}
            for caller, vendor, body in self._kept
            if caller in names
        ]
        return _json({"requests": found})

    def _misbehave(self, request: Request) -> Response:
        """Show (GET), replace (POST) or clear (DELETE) the faults."""
        try:
            if request.method == "POST":
                wanted = orjson.loads(request.body)
                wanted["rules"] = [
                    parse_rule(rule) if isinstance(rule, str) else rule
                    for rule in wanted.get("rules", [])
                ]
                self._dice = Dice(load(wanted))
                self._kept = deque(maxlen=self._dice.setting.keep)
            elif request.method == "DELETE":
                self._dice = Dice(Misbehave())
        except (MisbehaveError, ValueError, TypeError, AttributeError) as error:
            return _json({"error": {"message": str(error)}}, 400)
        return _json(self._dice.setting.model_dump(mode="json"))

    async def _complete(self, protocol: Protocol, request: Request) -> Response:
        try:
            body = orjson.loads(request.body)
            asked, refused = protocol.read(body), protocol.refusal(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"not a request of this protocol: {error!r}"
            return _failed(protocol, Failed(400, text, "invalid_request_error"))
        self._keep(protocol, asked, request)
        if refused:
            return _failed(protocol, Failed(400, refused, "invalid_request_error"))
        conversation = asked.conversation
        agent = rules.agent_of(conversation.system)
        hashed = _hash(request.body)
        record = self._stats.arrived(
            asked.caller, agent, conversation.turn, hashed, protocol.vendor
        )
        mark = fingerprint(agent, conversation)
        conversation.rng = self._dice.rng(mark, 0, "reply")
        thrown = Thrown(agent, mark, record.seen, protocol.vendor, conversation.turn)
        faults = {rule.kind: rule for rule in self._dice.throw(thrown)}
        if "latency" in faults:
            await asyncio.sleep(faults["latency"].ms / 1000)
        call = _Exchange(protocol, request, asked, agent, record, faults)
        if (refused := _refused(call)) is not None:
            record.outcome = refused[0]
            return refused[1]
        return await self._answer(call)

    async def _answer(self, call: _Exchange) -> Response:
        asked, record = call.asked, call.record
        try:
            if wait := rules.latency_ms(call.agent, asked.conversation):
                await asyncio.sleep(wait / 1000)
            reply = _spoiled(call, rules.reply_to(call.agent, asked.conversation))
            counted = call.protocol.count(self._cache, asked, call.request.body)
            record.input_tokens, record.cached_tokens = counted.total, counted.read
            written = call.protocol.write(asked, reply, counted, record.request)
        except Exception as error:  # noqa: BLE001 - an agent's rules are anyone's code
            record.outcome = "rule failed"
            text = f"the offline rules of agent {call.agent!r} failed: {error!r}; mend offline.py"
            return _failed(call.protocol, Failed(400, text, "invalid_request_error"))
        response = _json(written)
        if "cut" in call.faults:
            record.outcome = "cut"
            return replace(response, fault="cut")
        if "oversized" in call.faults:
            record.outcome = "oversized"
            return replace(response, body=response.body + b" " * _OVERSIZED)
        self._stats.answered(asked.caller, record)
        return response


def _embedded(request: Request) -> Response:
    try:
        return _json(embeddings.answered(orjson.loads(request.body)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = {"message": f"not a request for embeddings: {error!r}", "type": "invalid_request"}
        return _json({"error": said}, 400)


def _hash(body: bytes) -> str:
    """Return what tells requests apart: a checksum of all, a hash of the end.

    A conversation grows at its end, and hashing megabytes would take as long as reading them.
    """
    state = hashlib.sha1(body[-_TAIL:], usedforsecurity=False)
    state.update(f"{len(body)}|{zlib.crc32(body)}".encode())
    return state.hexdigest()


def _refused(call: _Exchange) -> tuple[str, Response] | None:
    """Return the error that stands in for an answer, if one does, and its name."""
    if "hang" in call.faults:
        return "hang", Response(fault="hang")
    for kind, write in _ERRORS.items():
        if (rule := call.faults.get(kind)) is not None:
            headers = {"retry-after": f"{rule.retry_after_s:g}"} if kind == "rate_limit" else {}
            return kind, _failed(call.protocol, write(call, rule), headers)
    return None


def _quota(call: _Exchange, _: Rule) -> Failed:
    text = "You exceeded your current quota: your credit balance is too low"
    status = 400 if "x-api-key" in call.request.headers else 429  # as each vendor has it
    return Failed(status, text, "invalid_request_error", "insufficient_quota")


def _unauthorized(call: _Exchange, _: Rule) -> Failed:
    headers = call.request.headers
    key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    # Providers echo the key, so what handles their errors must take it out again.
    text = f"Incorrect API key provided: {key}."
    return Failed(401, text, "authentication_error", "invalid_api_key")


_ERRORS: Final[dict[str, Callable[[_Exchange, Rule], Failed]]] = {
    "rate_limit": lambda call, rule: Failed(
        429, "Rate limit reached", "rate_limit_error", "rate_limit_exceeded"
    ),
    "quota": _quota,
    "server_error": lambda call, rule: Failed(500, "The server had an error", "api_error"),
    "error": lambda call, rule: Failed(rule.status, f"The server says {rule.status}", "api_error"),
    "unauthorized": _unauthorized,
}


def _spoiled(call: _Exchange, reply: Reply) -> Reply:
    faults = call.faults
    if "invent_finding" in faults:
        reply = rules.invented(call.agent, call.asked.conversation, reply)
    if "slip" in faults:
        reply = rules.with_slip(call.agent, call.asked.conversation, reply)
    if "invent_tool" in faults:
        reply = rules.with_invented_tool(reply)
    if "wrong_types" in faults:
        reply = rules.with_wrong_types(reply)
    if "malformed" in faults:
        reply = rules.with_malformed_arguments(reply)
    return reply


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(value, default=str)
    return Response(status, body, NOTICE | (headers or {}))


def _failed(protocol: Protocol, failed: Failed, headers: dict[str, str] | None = None) -> Response:
    return _json(protocol.error(failed), failed.status, headers)
