"""The auditor: looks into one account that does not add up, and reports what it can prove."""

from agents.auditor.checks import CHECKS
from agents.auditor.filing import file_report
from agents.auditor.tools import account_days, check_balance, ledger_query
from agents.toolkit import Agent, prompt
from domain.audit import AuditorAnswer
from domain.spec import ApprovalPolicy

AGENT = Agent(
    name="auditor",
    description="Finds the fault in an account whose bookings do not continue its balance.",
    prompt=prompt(__file__, "system.v1.0.0.md"),
    tools=[account_days, check_balance, ledger_query],
    workflow_tools=[file_report],
    answer=AuditorAnswer,
    checks=CHECKS,
    plan="checked",
    # Below this two kinds of fault explain a break about equally well.
    approvals=ApprovalPolicy(below_confidence=0.5),
    inputs=("ledger",),
)
