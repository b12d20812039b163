"""A run as an HTML page: what came of it, its steps, its spend, who decided what."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from commands import audit_results, history, plots, reading, transcript, views
from commands.errors import CommandError
from commands.reading import AGENT_WORKFLOW, Closed, Listed
from commands.session import Session
from commands.transcript import Said, Transcript
from domain.approval import Decision
from domain.audit import KINDS
from domain.auditing import AuditResult, Checked
from domain.run import AgentResult

_STAND_IN = "offline stand-in"
_LONGEST = 20_000

Section = dict[str, Any]


async def page(opened: Session, run_id: str) -> str:
    """Return the page of a run, open or closed.

    Raises:
        CommandError: There is no such run, or no worker can say what an open one has so far.
    """
    found = reading.listed(await reading.described(opened, run_id))
    legs = await history.legs(opened, run_id)
    said = [each for leg in legs for each in transcript.said(leg.events)]
    closed = await reading.result(opened, run_id) if not found.is_open else None
    if found.workflow == AGENT_WORKFLOW:
        read = await transcript.read(opened.client.data_converter, legs)
        values = _agent(found, read, closed, said)
    else:
        values = _audit(await _audit_result(opened, found, closed), said)
    values |= {
        "run_id": run_id,
        "started": f"{found.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "closed": f"{found.closed_at:%Y-%m-%d %H:%M:%S} UTC" if found.closed_at else "",
    }
    return _template().render(**values)


async def _audit_result(opened: Session, found: Listed, closed: Closed | None) -> AuditResult:
    if closed is not None and closed.result is not None:
        return AuditResult.model_validate({"run_id": found.run_id, **closed.result})
    so_far = await audit_results.so_far(opened, found.run_id)
    if so_far is None:
        raise CommandError(
            f"run {found.run_id!r} has no result, and no worker can say what it has so far; "
            "run `python starter.py up`"
        )
    return so_far


def _template() -> Any:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html.j2")


# --- an agent's run


def _agent(
    found: Listed, read: Transcript, closed: Closed | None, said: Sequence[Said]
) -> dict[str, Any]:
    result: AgentResult | None = None
    if closed is not None and closed.result is not None:
        result = AgentResult.model_validate({"run_id": found.run_id, "agent": "", **closed.result})
    tokens = sum(step.reply.usage.total for step in read.steps)
    cost = sum(float(step.reply.cost_usd) for step in read.steps)
    model = read.steps[-1].reply.model if read.steps else ""
    outcome = result.outcome.value if result else (found.state or found.execution)
    sections = [_section("Task", text=read.request.task[:_LONGEST])]
    if result is not None and result.answer is not None:
        sections.append(_section("Answer", text=_text(result.answer)))
    sections += _people(result.decisions if result else (), said)
    if result is not None and result.not_done:
        sections.append(_section("Not done", text="\n".join(result.not_done)))
    sections.append(_section("Steps", steps=[_step(step) for step in read.steps]))
    return {
        "title": f"{found.agent or 'agent'}: {outcome}",
        "reason": (result.reason if result else "") or (closed.failure if closed else ""),
        "stand_in": _STAND_IN in model,
        "figures": _figures(
            outcome=outcome,
            model_calls=len(read.steps),
            tokens=f"{tokens:,}",
            cost=views.money(cost),
            time=views.duration(found.seconds),
            model=model,
        ),
        "sections": sections,
    }


def _step(step: transcript.Step) -> dict[str, Any]:
    reply = step.reply
    attempts = f", {step.attempts} attempts" if step.attempts > 1 else ""
    return {
        "title": f"{step.number}. {'plan' if step.purpose == 'plan' else 'model call'}",
        "small": f"{reply.usage.total:,} tokens, {views.money(str(reply.cost_usd))}, "
        f"{views.duration(step.seconds)}{attempts}",
        "text": reply.message.text[:_LONGEST],
        "parts": [
            {
                "title": f"{call.name} {call.arguments[:160]}",
                "text": step.results.get(call.id, "no result")[:_LONGEST],
            }
            for call in reply.message.calls
        ],
    }


# --- an audit


def _audit(result: AuditResult, said: Sequence[Said]) -> dict[str, Any]:
    sections = [
        _section(title, about, findings=[_finding(each) for each in rows])
        for title, about, rows in (
            ("Findings", "Each was confirmed by a second query of the ledger.", result.findings),
            ("For a person to decide", "", result.needs_review),
            (
                "Not borne out by the ledger",
                "The model reported these and the second check did not confirm them.",
                result.unconfirmed,
            ),
        )
        if rows
    ]
    if not result.findings:
        sections.insert(0, _section("Findings", "None."))
    if result.profile is not None:
        notes = "\n".join(result.profile.notes)
        sections.append(_section("What is normal in this ledger", text=notes))
    sections += _people(result.decisions, said)
    if result.not_done:
        sections.append(_section("Not done", text="\n".join(result.not_done)))
    sections.append(_steps(result))
    return {
        "title": result.title or "Audit",
        "reason": result.reason,
        "stand_in": _STAND_IN in result.model,
        "figures": _figures(
            outcome=result.outcome.value,
            findings=len(result.findings),
            transactions=f"{result.transactions:,}",
            accounts_screened=f"{result.accounts_screened:,} of {result.accounts:,}",
            model_calls=result.model_calls,
            tokens=f"{result.tokens:,}",
            cost=views.money(str(result.cost_usd)),
            time=views.duration(result.seconds),
            model=result.model,
        ),
        "sections": sections,
    }


def _finding(each: Checked) -> dict[str, Any]:
    finding = each.answer.finding if each.answer else None
    row = each.as_row()
    confirmation = each.confirmation
    return {
        "account": row["account_id"],
        "meaning": KINDS[finding.kind] if finding else "no finding",
        "day": row["date"],
        "transaction": row["trans_id"] or "unknown",
        "recorded": f"{finding.recorded:,.2f}" if finding else "-",
        "expected": f"{finding.expected:,.2f}" if finding else "-",
        "confidence": row["confidence"] if row["confidence"] is not None else "not stated",
        "reason": each.answer.reason if each.answer else "",
        "why_not": each.why_not,
        "checked": confirmation.reason if confirmation and confirmation.confirmed else "",
        # Built here from numbers and escaped titles; nothing in it is a person's or a model's.
        "plot": Markup(plots.balance(each.series, finding)),  # noqa: S704
        "evidence": [
            *(each.answer.evidence if each.answer else ()),
            *(f"{one.sql}\n-- {one.rows} rows\n{one.result}" for one in _evidence(each)),
        ],
    }


def _evidence(each: Checked) -> Sequence[Any]:
    return each.confirmation.evidence if each.confirmation else ()


def _steps(result: AuditResult) -> Section:
    looked_at = [*result.findings, *result.needs_review, *result.unconfirmed, *result.cleared]
    rows = [
        (each.candidate.account_id, each.candidate.why, each.outcome.value, each.run_id)
        for each in looked_at
    ]
    about = f"{result.candidates} of {result.accounts_screened:,} accounts were looked at closely."
    columns = ("account", "what screening saw", "outcome", "run")
    return _section("Steps", about, table={"columns": columns, "rows": rows} if rows else None)


# --- both


def _people(decisions: Sequence[Decision], said: Sequence[Said]) -> list[Section]:
    found: list[Section] = []
    if decisions:
        rows = [
            (
                f"{made.at:%Y-%m-%d %H:%M:%S}",
                made.verdict,
                made.title or made.tool or made.kind,
                made.by,
                made.reason,
                made.arguments_hash,
            )
            for made in decisions
        ]
        columns = ("when", "verdict", "on", "by (as claimed)", "reason", "hash of the arguments")
        found.append(_section("Decisions", table={"columns": columns, "rows": rows}))
    if said:
        rows = [(f"{each.at:%Y-%m-%d %H:%M:%S}", each.name, each.identity or "-") for each in said]
        columns = ("when", "sent", "identity, as the server knows it")
        found.append(_section("Who sent what", table={"columns": columns, "rows": rows}))
    return found


def _section(
    title: str,
    about: str = "",
    *,
    text: str = "",
    findings: Sequence[dict[str, Any]] = (),
    steps: Sequence[dict[str, Any]] = (),
    table: dict[str, Any] | None = None,
) -> Section:
    return {
        "title": title,
        "about": about,
        "text": text,
        "findings": findings,
        "steps": steps,
        "table": table,
    }


def _figures(**values: object) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), str(value)) for name, value in values.items() if value != ""]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)
