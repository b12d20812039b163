"""What steps are called in OpenTelemetry's semantic conventions for generative AI.

Source: opentelemetry.io/docs/specs/semconv/gen-ai, the names of the attributes as of 0.66b. What
they have no name for is under `holdfast.`.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from domain.acting import ActOutcome, ActRequest
from domain.run import AgentResult
from domain.runs import Outcome, RunResult
from domain.spec import AgentSpec
from domain.thinking import Reply, ThinkRequest
from runtime.tracing.family import AGENT, Begun
from runtime.tracing.span import Value

# What a check's result calls that which does not pass, and that which passes with a word.
_REFUSES: Final = ("refused", "problems", "refusal", "withheld")
_FLAGS: Final = ("flagged", "guarded")
_MOST_REASONS: Final = 5

Put = dict[str, Value]


def run_name(begun: Begun) -> str:
    """Return the name of a run's own span."""
    what = "invoke_agent" if begun.workflow == AGENT else "invoke_workflow"
    return f"{what} {begun.agent or begun.workflow.removesuffix('Workflow').lower()}"


def run(begun: Begun) -> Put:
    """Return what is known of a run from its start."""
    agent = begun.workflow == AGENT
    name = begun.agent or begun.workflow.removesuffix("Workflow").lower()
    return {
        "gen_ai.operation.name": "invoke_agent" if agent else "invoke_workflow",
        "gen_ai.agent.name" if agent else "gen_ai.workflow.name": name,
        "gen_ai.conversation.id": begun.workflow_id,
        "holdfast.run.id": begun.workflow_id,
        "holdfast.workflow": begun.workflow,
        "holdfast.tenant": begun.tenant or "default",
        **({"holdfast.asked_by": begun.by} if begun.by else {}),
        **({"holdfast.forked_from": begun.forked_from} if begun.forked_from else {}),
    }


def came(result: Mapping[str, Any]) -> Put:
    """Return what is known of a run from its end."""
    found = RunResult.model_validate(result)
    put: Put = {
        "holdfast.outcome": found.outcome.value,
        "holdfast.steps": found.spend.steps,
        "holdfast.tokens": found.spend.tokens,
        "holdfast.cost_usd": float(found.spend.cost_usd),
        "holdfast.continued": found.continued,
        "holdfast.decisions": len(found.decisions),
        "holdfast.not_done": len(found.not_done),
        "holdfast.tainted": bool(found.tainted),
    }
    if found.model:
        put["gen_ai.response.model"] = found.model
    if "tool_calls" in result:
        whole = AgentResult.model_validate(result)
        put |= {
            "holdfast.turns": whole.turns,
            "holdfast.tool_calls": whole.tool_calls,
            "holdfast.waited_s": whole.waited_s,
            "holdfast.degraded": bool(whole.degraded),
        }
    return put


def failed(outcome: str) -> bool:
    """Whether a run with this outcome has failed; a limit or a person's no is an outcome."""
    return outcome == Outcome.FAILED


def asked(request: ThinkRequest, spec: AgentSpec | None) -> tuple[str, Put]:
    """Return the name of a model call's span, and what is known before the call."""
    named = request.model or _routed(request, spec)
    vendor, _, model = named.partition(":")
    put: Put = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.max_tokens": request.max_output_tokens,
        "holdfast.purpose": request.aside.purpose if request.aside else request.purpose,
    }
    if model:
        put |= {"gen_ai.provider.name": vendor, "gen_ai.request.model": model}
    if spec is not None:
        put |= _of_spec(spec)
        if spec.temperature is not None:
            put["gen_ai.request.temperature"] = spec.temperature
        schema = request.aside.answer_schema if request.aside else spec.answer_schema
        put["gen_ai.output.type"] = "json" if schema else "text"
        if request.aside is None and request.purpose == "turn":
            put["holdfast.tools.offered"] = tuple(
                tool.name for tool in spec.tools if tool.name not in request.forbid
            )
    return f"chat {model}".strip(), put


def _routed(request: ThinkRequest, spec: AgentSpec | None) -> str:
    route = (request.aside and request.aside.route) or (spec.route if spec else ())
    return route[request.route] if request.route < len(route) else ""


def _of_spec(spec: AgentSpec) -> Put:
    version = {"gen_ai.agent.version": spec.prompt_version} if spec.prompt_version else {}
    return {"gen_ai.agent.name": spec.name, **version}


def replied(reply: Reply) -> Put:
    """Return what a model call came to: numbers and names, and no text."""
    usage = reply.usage
    return {
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": (reply.finish,),
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_written_tokens,
        "holdfast.tools.chosen": tuple(call.name for call in reply.message.calls),
        "holdfast.cost_usd": float(reply.cost_usd),
        "holdfast.reply.cached": reply.cached,
        **({"holdfast.lost_tokens": reply.lost_tokens} if reply.lost_tokens else {}),
    }


def tool(name: str, request: ActRequest, spec: AgentSpec | None) -> Put:
    """Return what is known of a tool call before it runs."""
    declared = _declared(name, spec)
    put = called(name, request.call_id, spec)
    if declared is not None:
        put["holdfast.tool.effect"] = declared.effect.value
        if declared.writes:
            put["holdfast.tool.key"] = request.key
    if request.of:
        put["holdfast.tool.undoes"] = True
    return put


def called(name: str, call_id: str, spec: AgentSpec | None) -> Put:
    """Return what any tool call is called, a run below included."""
    put: Put = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
    }
    if call_id:
        put["gen_ai.tool.call.id"] = call_id
    declared = _declared(name, spec)
    if declared is not None and declared.description:
        put["gen_ai.tool.description"] = declared.description.split("\n", 1)[0]
    if spec is not None:
        put["gen_ai.agent.name"] = spec.name
    return put


def _declared(name: str, spec: AgentSpec | None) -> Any:
    tools = (*spec.tools, *spec.workflow_tools) if spec else ()
    return next((each for each in tools if each.name == name), None)


def outcome(found: ActOutcome) -> Put:
    """Return what a tool call came to."""
    return {
        "holdfast.tool.outcome": found.kind,
        **({"holdfast.tool.in_doubt": True} if found.doubt else {}),
        **({"holdfast.tool.outside": True} if found.outside else {}),
        **({"holdfast.artifact": found.artifact} if found.artifact else {}),
        **({} if found.kind == "ok" else {"error.type": f"tool.{found.kind}"}),
    }


def judged(result: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return what a check came to, and its reasons: `refused`, `flagged` or `passed`."""
    refused = [reason for name in _REFUSES for reason in _reasons(result.get(name))]
    flagged = [reason for name in _FLAGS for reason in _reasons(result.get(name))]
    kind = "refused" if refused else "flagged" if flagged else "passed"
    return kind, tuple((refused or flagged)[:_MOST_REASONS])


def _reasons(value: Any) -> list[str]:
    """Return what a check says: a sentence, several, or one for each call."""
    if isinstance(value, dict):
        return [
            each for inner in cast("dict[str, Any]", value).values() for each in _reasons(inner)
        ]
    if isinstance(value, list):
        return [each for inner in cast("list[Any]", value) for each in _reasons(inner)]
    return [str(value)] if value else []
