"""The stand-in's rules: they find what there is to find, from the conversation alone."""

import json
from pathlib import Path
from random import Random

import pytest

from agents.auditor import offline
from agents.auditor.checks import CHECKS
from agents.auditor.confirm import confirm
from agents.auditor.evals import write
from agents.auditor.faults import Planted
from agents.auditor.sample import sample
from agents.auditor.spec import AGENT
from agents.auditor.tasks import one_shot
from agents.offline import Conversation, Reply, Result
from agents.toolkit import AnswerToCheck, ToolContext
from domain.acting import CallMade
from domain.audit import AuditorAnswer, Candidate, LedgerProfile, PreparedLedger, brief
from domain.plan import Plan
from tests.auditor.books import prepared, screened

TOOLS = {tool.spec.name: tool for tool in AGENT.tools}


class Audit:
    """A sample ledger with twenty-five faults, screened."""

    def __init__(self, folder: Path) -> None:
        rows, self.planted = sample(5, faults=25)
        self.ledger: PreparedLedger = prepared(write(folder / "faults.csv", rows), folder)
        self.normal: LedgerProfile
        self.candidates: list[Candidate]
        self.normal, self.candidates = screened(self.ledger)

    def fault(self, candidate: Candidate) -> Planted:
        """Return what was planted in a candidate's account."""
        return next(each for each in self.planted if each.account_id == candidate.account_id)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """One ledger for all tests here."""
    return Audit(tmp_path_factory.mktemp("offline"))


async def test_the_stand_in_finds_what_was_planted(audit: Audit) -> None:
    """Every candidate is looked at, checked and reported; every finding is confirmed."""
    assert len(audit.candidates) == 25
    for candidate in audit.candidates:
        said, made = await play(audit, candidate)

        answer = AuditorAnswer.model_validate_json(said.text)
        given = AnswerToCheck(answer=answer, task="", made=made)
        assert [sentence for check in CHECKS for sentence in check(given)] == []
        assert [call.tool for call in made] == ["account_days", "check_balance"]
        assert answer.finding is not None
        assert answer.finding.kind == audit.fault(candidate).kind
        assert confirm(audit.ledger.path, audit.normal, answer.finding).confirmed
        assert answer.confidence >= 0.8


def test_one_prompt_with_everything_gives_the_same_answer(audit: Audit) -> None:
    """Without tools, the stand-in answers at once from what the prompt holds."""
    for candidate in audit.candidates[:5]:
        task = one_shot(audit.ledger.path, candidate, audit.normal)

        answer = AuditorAnswer.model_validate_json(offline.reply(Conversation(task=task)).text)

        assert answer.finding is not None
        assert answer.finding.kind == audit.fault(candidate).kind


def test_the_plan_fits(audit: Audit) -> None:
    """A plan is wanted first, and names tools that there are."""
    task = brief(audit.candidates[0], audit.normal)
    said = offline.reply(Conversation(task=task, tools=list(TOOLS), asks_plan=True))

    plan = Plan.model_validate_json(said.text)

    assert {name for step in plan.steps for name in step.tools} <= TOOLS.keys()


async def test_an_invented_finding_is_never_confirmed(audit: Audit) -> None:
    """What the stand-in makes up fits the form, and the second check sends it away."""
    for candidate in audit.candidates:
        said, _ = await play(audit, candidate)
        task = brief(candidate, audit.normal)
        fault = audit.fault(candidate)
        for seed in range(8):
            made_up = offline.invent(Conversation(task=task), said, Random(seed))
            finding = AuditorAnswer.model_validate_json(made_up.text).finding

            assert finding is not None
            checked = confirm(audit.ledger.path, audit.normal, finding)
            true = (finding.account_id, finding.kind) == (fault.account_id, fault.kind)
            assert not checked.confirmed or true


@pytest.mark.parametrize("text", ["error: the ledger is gone", "<html>502</html>", "{}", "[1]"])
def test_results_that_cannot_be_read_end_in_no_finding(audit: Audit, text: str) -> None:
    """An error or an error page in place of bookings is told, and not asked for again and again."""
    task = brief(audit.candidates[0], audit.normal)
    results = [Result("account_days", {}, text)]

    said = offline.reply(Conversation(task=task, tools=list(TOOLS), results=results))

    assert json.loads(said.text)["verdict"] == "no_finding"


@pytest.mark.parametrize("task", ["", "audit my ledger", "{}", '{"candidate": 1}', "[]"])
def test_a_task_without_a_candidate_is_answered(task: str) -> None:
    """A task in words that names no candidate gets an answer that says what is expected."""
    said = offline.reply(Conversation(task=task, tools=list(TOOLS)))

    assert "no candidate" in AuditorAnswer.model_validate_json(said.text).reason


async def play(audit: Audit, candidate: Candidate) -> tuple[Reply, tuple[CallMade, ...]]:
    """Have the stand-in look into a candidate, with the real tools."""
    results: list[Result] = []
    context = ToolContext(run_id="", tenant="", key="", data={"ledger": audit.ledger.path})
    task = brief(candidate, audit.normal)
    for _ in range(5):
        said = offline.reply(Conversation(task=task, tools=list(TOOLS), results=results))
        if not said.calls:
            return said, tuple(CallMade(tool=r.name, arguments=r.arguments, text=r.text)
                               for r in results)  # fmt: skip
        for call in said.calls:
            assert not isinstance(call.arguments, str)
            text = await TOOLS[call.name](context, dict(call.arguments))
            results.append(Result(call.name, dict(call.arguments), text))
    raise AssertionError("no answer in five turns")
