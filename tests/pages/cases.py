"""Results to make pages of: a real audit without a model, and one that means harm."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agents.auditor import confirm, ledger, profile, sample, screen
from domain.approval import Decision
from domain.audit import (
    AuditorAnswer,
    Candidate,
    Confirmation,
    Evidence,
    Finding,
    LedgerProfile,
    LedgerSource,
    Point,
    PreparedLedger,
    ScreenRequest,
)
from domain.auditing import AuditResult, Checked
from domain.messages import Message, ToolCall
from domain.rejections import Rejection
from domain.run import AgentResult, Outcome
from domain.spec import AgentSpec
from domain.state import AgentState, Effected, Turn
from domain.taint import Taint

STAND_IN = "offline stand-in for gpt-5-mini"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HARM = (
    '</title></style></pre>--><script>window.hit=1</script><img src=x onerror="window.hit=1">'
    "[a](javascript:window.hit=1) ![b](https://evil.example/p.png) https://evil.example "
    "`` ``` ~~~ | # * _ <!-- {{ 7 * 7 }} {% raw %} &lt; \"' \u202e\u2066 \u200b \x00 \x1b[31m"
)


def audited(folder: Path) -> AuditResult:
    """Audit the sample ledger by the auditor's own rules; no model is asked."""
    path = folder / "ledger.csv"
    sample.write_sample(path, 7)
    book = ledger.prepare(LedgerSource(ledger=str(path)), folder / "cache")
    normal = profile.profile(book.path)
    candidates = [
        candidate
        for batch in ledger.batches(book.path, 100)
        for candidate in screen.screen(
            ScreenRequest(path=book.path, profile=normal, accounts=batch)
        ).candidates
    ]
    findings = [_checked(book, normal, candidate) for candidate in candidates]
    return AuditResult(
        run_id="audit-1",
        outcome=Outcome.COMPLETED,
        title="Audit of the sample",
        ledger=book,
        profile=normal,
        accounts=book.accounts,
        transactions=book.transactions,
        accounts_screened=book.accounts,
        candidates=len(candidates),
        findings=tuple(findings[2:]),
        needs_review=(findings[0].model_copy(update={"why_not": "its confidence is 0.6"}),),
        unconfirmed=(_invented(book, normal, findings[1]),),
        decisions=(_decision("checked on paper"),),
        not_done=("one candidate was not looked at",),
        filed='{"key": "5d1e"}',
        model_calls=32,
        tokens=81_690,
        cost_usd=Decimal("0.0363"),
        model=STAND_IN,
        seconds=15.9,
    )


def _checked(book: PreparedLedger, normal: LedgerProfile, candidate: Candidate) -> Checked:
    finding = screen.locate(book.path, normal, candidate.account_id)[0]
    return Checked(
        candidate=candidate,
        run_id=f"audit-1/{candidate.id}",
        outcome=Outcome.COMPLETED,
        answer=_answer(finding),
        confirmation=confirm.confirm(book.path, normal, finding),
        series=_series(book, normal, finding),
    )


def _invented(book: PreparedLedger, normal: LedgerProfile, like: Checked) -> Checked:
    """Return a claim about a booking that the ledger does not have."""
    assert like.answer is not None
    assert like.answer.finding is not None
    finding = like.answer.finding.model_copy(update={"trans_id": "424242"})
    proof = confirm.confirm(book.path, normal, finding)
    changes = {"answer": _answer(finding), "confirmation": proof, "why_not": proof.reason}
    return like.model_copy(update=changes)


def _answer(finding: Finding) -> AuditorAnswer:
    return AuditorAnswer(
        verdict="finding",
        finding=finding,
        reason=f"Booking {finding.trans_id} breaks the balance.",
        evidence=["SELECT 1 FROM transactions"],
        confidence=0.95,
    )


def _series(book: PreparedLedger, normal: LedgerProfile, finding: Finding) -> tuple[Point, ...]:
    around = timedelta(days=45)
    first, last = finding.date - around, finding.date + around
    return tuple(screen.series(book.path, normal, finding.account_id, first, last))


def _decision(text: str) -> Decision:
    return Decision(
        approval_id="q-1",
        kind="call",
        verdict="approve",
        title=f"file the report: {text}",
        tool="file_report",
        reason=text,
        by=f"m.novak {text}",
        at=NOON,
        arguments_hash="9f0a7c33b1d24e55",
    )


# --- what a ledger or a model could try


def foreign(text: str, findings: int = 2) -> AuditResult:
    """Return a result in which everything that is not ours reads `text`."""
    day = date(2024, 5, 2)
    candidate = Candidate(account_id=text, days=(day,), until=day, why=text)
    checked = Checked(
        candidate=candidate,
        run_id=text,
        outcome=Outcome.COMPLETED,
        answer=_foreign_answer(text, day),
        confirmation=_foreign_proof(text),
        series=_bookings(text, day),
        why_not=text,
    )
    return AuditResult(
        run_id=text,
        outcome=Outcome.ABORTED,
        reason=text,
        title=text,
        ledger=PreparedLedger(path=text, fingerprint=text, name=text, transactions=9, accounts=1),
        profile=_foreign_profile(text, day),
        accounts=1,
        transactions=9,
        accounts_screened=1,
        candidates=4,
        failed_accounts={text: text},
        findings=(checked,) * findings,
        needs_review=(checked,),
        unconfirmed=(checked,),
        not_done=(text,),
        decisions=(_decision(text),),
        ignored=(text,),
        filed=text,
        model=text,
    )


def _foreign_answer(text: str, day: date) -> AuditorAnswer:
    finding = Finding(
        account_id=text, date=day, trans_id=text, kind="amount", recorded=-5, expected=float("inf")
    )
    return AuditorAnswer(
        verdict="finding", finding=finding, reason=text, evidence=[text], confidence=0.9
    )


def _foreign_proof(text: str) -> Confirmation:
    return Confirmation(
        confirmed=True,
        reason=text,
        recorded_cents=-500,
        expected_cents=-123_456,
        evidence=(
            Evidence(sql=text, rows=1, result=text),
            Evidence(sql=text, rows=9, result=_rows(text)),
        ),
    )


def _rows(text: str) -> str:
    return json.dumps([[text, text, -500, 123_456]])


def _foreign_profile(text: str, day: date) -> LedgerProfile:
    return LedgerProfile(
        transactions=9,
        accounts=1,
        first_day=day,
        last_day=day,
        sign_column=text,
        signs={text: 1},
        links=8,
        rounded_links=1,
        tolerance_cents=10,
        grain_cents=10,
        file_order_breaks=1,
        busy_days=1,
        notes=(text,),
    )


def _bookings(text: str, day: date) -> tuple[Point, ...]:
    amounts = (100_000, -2_000, -500, 3_000)
    balances = (100_000, 98_000, 96_765, 99_765)
    names = ("1", "2", text, "4")
    return tuple(
        Point(date=day + timedelta(days=at - 2), trans_id=name, signed_cents=a, balance_cents=b)
        for at, (name, a, b) in enumerate(zip(names, amounts, balances, strict=True))
    )


# --- one agent's run


def ran(text: str, turns: int = 3) -> tuple[AgentResult, AgentState]:
    """Return a run in which everything that is not ours reads `text`."""
    state = AgentState(lineage="l", spec=AgentSpec(name="auditor", system="s"), planned=1)
    state.plan = [text]
    state.add(Message(role="user", text=text), made=False)
    for number in range(1, turns + 1):
        call = ToolCall(id=f"c{number}", name=text, arguments=text)
        state.add(Message(role="assistant", text=text, calls=(call,)), made=False)
        state.turns.append(_turn(state, number, text))
        state.add(Message(role="tool", text=text, call_id=call.id), made=False)
    result = AgentResult(
        run_id=text,
        agent=text,
        outcome=Outcome.COMPLETED,
        answer={"verdict": text, text: [text]},
        reason=text,
        turns=turns,
        tool_calls=turns,
        model=text,
        decisions=(_decision(text),),
        writes=(Effected(tool="pay", arguments={"to": text}, key="k" * 32, text=text),),
        undone=(text,),
        not_done=(text,),
        ignored=(text,),
        rejections=(Rejection(by=text, what=text, reason=text, turn=1),),
        tainted=(Taint(source=text, turn=1, why=text),),
        degraded=(text,),
        head=state.head,
    )
    return result, state


def _turn(state: AgentState, number: int, model: str) -> Turn:
    return Turn(
        messages=len(state.messages),
        tokens=1_000 * number,
        cost_usd=Decimal(number) / 100,
        model=model,
    )


def kinds(rows: Sequence[Checked]) -> list[str]:
    """Return what kind of fault each of `rows` is."""
    return [each.answer.finding.kind for each in rows if each.answer and each.answer.finding]
