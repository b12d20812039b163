"""What the core promises."""

from typing import Final

from tests.promises import Requirement

PROMISES: Final[dict[str, Requirement]] = {
    "C0:plain-json": Requirement(
        "A start input is plain JSON with defaults; a task that is an object needs no quoting.",
        "Temporal",
    ),
    "C0:listed-calls": Requirement(
        "The Temporal UI lists a call with its arguments, which it cannot take for its own words.",
        "Temporal",
    ),
    "C0:wedge-arguments": Requirement(
        "Arguments of any wrong form are told to the model, and nothing runs.",
        "No input wedges a run",
    ),
    "C0:wedge-unknown-tool": Requirement(
        "An unknown tool is refused with the list of those there are.", "No input wedges a run"
    ),
    "C0:wedge-call-ids": Requirement(
        "A call id that is used twice mixes nothing up.", "No input wedges a run"
    ),
    "C0:wedge-characters": Requirement(
        "Half a character is mended or refused wherever it comes in.", "No input wedges a run"
    ),
    "C0:wedge-reply": Requirement(
        "A reply without content goes back, then to a person.", "No input wedges a run"
    ),
    "C0:wedge-payload": Requirement(
        "A payload above every limit crosses through the store.", "No input wedges a run"
    ),
    "C0:wedge-no-answer": Requirement(
        "A model that never answers ends the run at its wall clock.", "No input wedges a run"
    ),
    "C0:wedge-tool-error": Requirement(
        "Whatever a tool raises is news for the model.", "No input wedges a run"
    ),
    "C0:wedge-start": Requirement(
        "A start input of the wrong shape fails the run at once.", "No input wedges a run"
    ),
    "C0:wedge-signals": Requirement(
        "Signals of any shape and number change nothing and are shown.", "No input wedges a run"
    ),
    "C0:wedge-updates": Requirement(
        "An update that cannot count is an error to its sender.", "No input wedges a run"
    ),
    "C0:wedge-queries": Requirement(
        "A query that cannot be answered is an error to its sender.", "No input wedges a run"
    ),
    "C0:wedge-thrown-away": Requirement(
        "A run that a stopping worker throws away gives no command in another run's name.",
        "No input wedges a run",
    ),
    "C0:audit-finding": Requirement(
        "A finding is reported once a query of our own has confirmed it.", "The auditor"
    ),
    "C0:audit-unconfirmed": Requirement(
        "What the ledger does not bear out is kept apart with the reason, and never reported.",
        "The auditor",
    ),
    "C0:audit-confidence": Requirement(
        "A finding under the threshold passes a person.", "The auditor"
    ),
    "C0:audit-filing": Requirement(
        "The report is filed once a person has approved exactly that report.", "The auditor"
    ),
    "C0:audit-dry-run": Requirement("A dry run files nothing and asks nobody.", "The auditor"),
    "C0:audit-isolated": Requirement(
        "A candidate whose run fails, or whose share is not there, hides no other.", "The auditor"
    ),
    "C0:audit-refused": Requirement(
        "A ledger that cannot be audited is refused with the reason, and kept.", "The auditor"
    ),
    "C0:replay": Requirement(
        "Recorded histories of every workflow replay; a broken one fails.", "What it must show"
    ),
    "C2:happy-path": Requirement("Think, act, think, answer, each step once.", "The step"),
    "C2:bought-once": Requirement("A recorded model call is never made again.", "The step"),
    "C2:parallel-reads": Requirement("Independent calls of one turn run in parallel.", "The step"),
    "C2:writes-in-order": Requirement(
        "Writes run one by one, in order, after the reads.", "The step"
    ),
    "C2:report-kept": Requirement("What a run came to is in the database.", "Where a run stops"),
    "C2:plan": Requirement("The plan comes before the first turn.", "The step"),
    "C2:plan-refused": Requirement("A plan has three tries, then a person decides.", "The step"),
    "C2:plan-calls": Requirement("Calls in a plan's place are answered and not run.", "The step"),
    "C2:plan-approved": Requirement(
        "A person approves or changes the plan where the policy says so.", "The step"
    ),
    "C2:answer-schema": Requirement(
        "An answer that breaks its schema goes back with the reason.", "The step"
    ),
    "C2:answer-person": Requirement(
        "An answer that stays wrong is put before a person.", "The step"
    ),
    "C2:answer-rules": Requirement(
        "An agent's rules see the answer and what it rests on.", "The step"
    ),
    "C2:answer-cut": Requirement("A cut answer is not taken for a whole one.", "The step"),
    "C2:injection": Requirement("Instructions inside data are shown as data.", "The step"),
    "C2:html": Requirement("An error page never reaches the model as data.", "The step"),
    "C2:spec-kept": Requirement("A run keeps the spec that it started with.", "The step"),
    "C2:schema-changed": Requirement("A tool whose schema changed stops the run.", "The step"),
    "C2:prompt-version": Requirement("A prompt names its version.", "The step"),
    "C2:strict-json": Requirement(
        "What is parsed can be recorded: strict, finite, bounded.", "The step"
    ),
    "C2:never-answers-ends": Requirement("A run that never answers always ends.", "The step"),
    "C3:stopped-check": Requirement(
        "A check that cannot be made stops a run, and is made again after `retry`.",
        "Where a run stops, and goes on",
    ),
    "C3:crosses-once": Requirement(
        "A message is in the history once.", "The transcript crosses once"
    ),
    "C3:chain": Requirement("A head proves its conversation.", "The transcript crosses once"),
    "C3:miss": Requirement(
        "A worker that lacks the conversation is sent it by value.", "The transcript crosses once"
    ),
    "C3:large-resend": Requirement(
        "A conversation of megabytes is resent outside the history.", "The transcript crosses once"
    ),
    "C3:artifact": Requirement("A cut result can be paged through.", "The transcript crosses once"),
    "C3:continue-as-new": Requirement(
        "Continue-as-new carries the whole state, at a turn's end.", "The transcript crosses once"
    ),
    "C4:table": Requirement("A run moves by the table alone.", "State machine"),
    "C4:waits-return": Requirement("A wait returns to where it came from.", "State machine"),
    "C4:dead-letter": Requirement(
        "A refused input is an outcome, and waits in the dead letters.", "State machine"
    ),
    "C4:reviewing-fails": Requirement(
        "A check that breaks in review asks a person.", "State machine"
    ),
    "C5:stopped-model": Requirement(
        "A route that is used up stops the run, which says why.", "Where a run stops"
    ),
    "C5:stopped-tool": Requirement("A stopped tool is retried or skipped.", "Where a run stops"),
    "C5:stopped-abort": Requirement("Abort ends a stopped run.", "Where a run stops"),
    "C5:stopped-timeout": Requirement(
        "A stopped run that nobody comes to fails with its summary.", "Where a run stops"
    ),
    "C5:stopped-is-free": Requirement("Standing still is no work.", "Where a run stops"),
    "C5:stopped-together": Requirement(
        "Several stops are put one after the other, and end together.", "Where a run stops"
    ),
    "C5:retries-end": Requirement("Retries are bounded.", "Where a run stops"),
    "C5:tool-gap": Requirement("A tool that stays away is a flagged gap.", "Where a run stops"),
    "C5:fallback-tool": Requirement("A declared other tool stands in, once.", "Where a run stops"),
    "C5:fork": Requirement(
        "A fork begins with the state at a step, on its own account.", "Where a run stops"
    ),
    "C5:steps": Requirement("Steps are a cap.", "Where a run stops"),
    "C5:defaults": Requirement("Limits hold from the start.", "Where a run stops"),
    "C5:limits-of-the-starter": Requirement("The starter may set limits.", "Where a run stops"),
    "C5:alert": Requirement("At 80 % of a budget an alert is raised.", "Where a run stops"),
    "C5:not-done": Requirement("A cap says what was done.", "Where a run stops"),
    "C5:compensation": Requirement(
        "Cancel and abort undo completed writes in reverse order.", "Where a run stops"
    ),
    "C5:compensation-on-cap": Requirement(
        "A cap undoes only where the spec says so.", "Where a run stops"
    ),
    "C5:compensation-fails": Requirement(
        "A compensation that fails is named; the others go on.", "Where a run stops"
    ),
    "C5:cancel-during-write": Requirement("A cancel lets a write end.", "Where a run stops"),
    "C5:cancel-in-doubt": Requirement(
        "A write in doubt is put to a person before a cancelled run closes.", "Where a run stops"
    ),
    "C5:ui-retry": Requirement(
        "A stopped run is retried from the Temporal UI.", "Where a run stops"
    ),
    "C6:empty-approve": Requirement("An empty approve answers the one open question.", "Approval"),
    "C6:bound-to-arguments": Requirement(
        "An approval is bound to the arguments that were shown.", "Approval"
    ),
    "C6:reject": Requirement(
        "What is rejected never runs, and stays in the audit trail.", "Approval"
    ),
    "C6:modify": Requirement("Modified arguments run in place of the model's.", "Approval"),
    "C6:modify-checked": Requirement("Modified arguments pass the checks again.", "Approval"),
    "C6:other-answers": Requirement(
        "Early, late, repeated and unknown answers change nothing and are shown.", "Approval"
    ),
    "C6:silence": Requirement("Silence means what the policy declares.", "Approval"),
    "C6:waiting-is-free": Requirement("Waiting for a person is no work.", "Approval"),
    "C6:decide": Requirement("The update answers its sender.", "Approval"),
    "C6:signal-survives": Requirement("An answer waits for the worker.", "Approval"),
    "C6:search-attributes": Requirement("A waiting run can be listed.", "State machine"),
    "C6:dry-run": Requirement("A dry run writes nothing and asks nobody.", "The auditor"),
    "C6:form": Requirement("The question is a form.", "Approval"),
    "C6:confidence": Requirement("An answer under the threshold passes a person.", "Approval"),
    "C6:sample-rate": Requirement("A sample of answers passes a person.", "Approval"),
    "C6:parse": Requirement("Any JSON is an answer, or is refused in words.", "Approval"),
    "C6:escaped": Requirement("Foreign text on the page is shown and not obeyed.", "Approval"),
    "C6:ui-approve": Requirement("An empty approve in the real UI.", "What it must show"),
    "C6:ui-form": Requirement("The form in the real UI.", "What it must show"),
    "C6:ui-modify": Requirement("Modified arguments in the real UI.", "What it must show"),
    "C6:ui-reject": Requirement("A rejection with a reason in the real UI.", "What it must show"),
    "C6a:key": Requirement("A key follows the effect.", "Effects happen once"),
    "C6a:key-stable": Requirement(
        "A key is stable over retries and resumes.", "Effects happen once"
    ),
    "C6a:tried-once": Requirement(
        "A write that cannot honour its key is tried once.", "Effects happen once"
    ),
    "C6a:person-in-doubt": Requirement("A person settles a doubt.", "Effects happen once"),
    "C6a:reconcile": Requirement("A tool that can tell settles a doubt.", "Effects happen once"),
    "C6a:nothing-happened": Requirement(
        "What surely did not happen is no doubt.", "Effects happen once"
    ),
    "C6a:refused-by-service": Requirement("A service's refusal is news.", "Effects happen once"),
    "C6a:timeout-in-doubt": Requirement(
        "A write without an answer in time is in doubt.", "Effects happen once"
    ),
    "C6b:tokens": Requirement("Tokens are never exceeded.", "Budgets are reserved"),
    "C6b:cost": Requirement("Money is never exceeded.", "Budgets are reserved"),
    "C6b:usage-unknown": Requirement(
        "A provider that counts nothing opens no budget.", "Budgets are reserved"
    ),
    "C6b:lost-attempt": Requirement(
        "A lost attempt is charged its reservation.", "Budgets are reserved"
    ),
    "C6b:pool": Requirement("Branches never pass their pool.", "Budgets are reserved"),
    "C6b:spend": Requirement("Spend adds up.", "Budgets are reserved"),
    "C6c:backtrack": Requirement("The third repeat turns a run round; again, a person.", "Loops"),
    "C6c:withheld": Requirement("The repeated call is withheld.", "Loops"),
    "C6c:polling": Requirement("Polling tools are exempt.", "Loops"),
    "C6c:repeats": Requirement("Repeats are found.", "Loops"),
    "C6c:ping-pong": Requirement("Two calls that take turns are found.", "Loops"),
    "C6c:no-progress": Requirement("Turns that bring nothing are found.", "Loops"),
    "C6c:honest": Requirement("Honest work is no loop.", "Loops"),
    "C6c:writes-are-progress": Requirement("Writing is progress.", "Loops"),
    "C6c:ends": Requirement("A run with nothing new to say is found out.", "Loops"),
    "C7:route": Requirement("The models of a route are tried in order.", "Models"),
}
