"""Every timeout and retry policy of the workflows, with the reason for its value."""

from dataclasses import replace
from datetime import timedelta
from typing import TypedDict

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType

from domain.tools import ToolSpec

# A killed worker is noticed after this. Shorter, and a busy worker is taken for a dead one.
HEARTBEAT = timedelta(seconds=2.7)

# The same for a write that is tried once: a busy worker that is taken for a dead one costs the
# others an attempt, and this one a person's time. On a machine with six times the load it can
# bear, heartbeats came up to five seconds late.
HEARTBEAT_OF_ONE_TRY = timedelta(seconds=9)

# After this a stopped run fails with its summary: nobody came.
STOPPED_TIMEOUT = timedelta(days=7)

# A halt is an operator's word, and seven days of it are no failure of the run. It still has an
# end, since a history has: looks at growing intervals make under 10,000 events in a year.
HALTED_TIMEOUT = timedelta(days=365)

# A halted run is told when it may go on. Should the word be lost it looks by itself: after a
# minute, then after twice as long each time, so it waits at most as long again as it was halted.
HALTED_FIRST_LOOK = timedelta(minutes=1)
HALTED_LOOK_EVERY = timedelta(hours=6)


class Policy(TypedDict, total=False):
    """Keyword arguments of `workflow.execute_activity`."""

    task_queue: str
    schedule_to_close_timeout: timedelta
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType
    priority: Priority


class LocalPolicy(TypedDict, total=False):
    """Keyword arguments of `workflow.execute_local_activity`."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


# Providers answer long prompts in minutes, so an attempt may last five. The provider's own
# delay, where it names one, replaces the interval.
_THINK_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=4,
    maximum_interval=timedelta(seconds=60),
    maximum_attempts=6,
)

THINK_TRIES = _THINK_RETRIES.maximum_attempts

# How long in all one call waits for a provider that is down, and for a tool that asked to be left
# alone; then a person is asked, or the declared fallback stands in. For a provider that asked to
# be left alone a run waits as long as its wall clock lasts.
PATIENCE_WITH_MODEL = timedelta(minutes=2)
PATIENCE_WITH_TOOL = timedelta(minutes=5)
# The same where another model could be asked instead.
MOMENT = timedelta(seconds=5)

# Rules over values: milliseconds. A second attempt is for a worker that is short of breath.
CHECK = LocalPolicy(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3),
)

# An author's function that may look something up, and must be quick: people and effects wait.
SECOND_CHECK = LocalPolicy(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3),
)

# Idempotent reads and writes of our own database, at a run's edges. Local: two steps through the
# server less, a tenth of a run of ten turns; made again after a crash, they change nothing.
RECORD = LocalPolicy(
    start_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=6,
    ),
)

# Recalling and keeping what outlives a run: an embedding may have to be asked for. A run does not
# wait long for a memory that cannot be reached: it goes on without.
REMEMBER = LocalPolicy(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3),
)

# Reading a document: it is given up after two minutes, and may wait for others to be read first.
READ = LocalPolicy(
    start_to_close_timeout=timedelta(minutes=15),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_attempts=3),
)

# Looking for what a run came to that was started before: it may still have to end.
ADOPT = Policy(
    schedule_to_close_timeout=timedelta(hours=1),
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=15)
    ),
)

# Reading a whole ledger: minutes for millions of rows. A lost worker is noticed by heartbeat.
COMPUTE = Policy(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=4,
    ),
)

# Reading a folder: minutes for thousands of PDFs. What was read before a crash is known again.
READ_FOLDER = Policy(
    start_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=HEARTBEAT,
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_attempts=4),
)


def think(left: timedelta, queue: str = "", attempts: int = 0) -> Policy:
    """Return the policy of a model call when the run has `left` of its wall clock.

    Another model is asked after `attempts`; 0: there is none, so there are more of them.

    The wall clock bounds all attempts together, so that retries cannot outlast it.
    """
    policy = Policy(
        start_to_close_timeout=min(timedelta(minutes=5), left),
        schedule_to_close_timeout=left,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=replace(_THINK_RETRIES, maximum_attempts=attempts)
        if attempts
        else _THINK_RETRIES,
    )
    if queue:
        policy["task_queue"] = queue
    return policy


def tool(tool: ToolSpec) -> Policy:
    """Return the policy of a call of `tool`.

    No schedule-to-close: time in a queue must not turn a write that never began into one
    whose outcome is unknown. The attempts are bounded, and so is each.
    """
    policy = Policy(
        # The tool's own timeout ends it first, and says more than the server's would.
        start_to_close_timeout=timedelta(seconds=tool.timeout_s + 5),
        heartbeat_timeout=HEARTBEAT_OF_ONE_TRY if tool.writes and tool.tries == 1 else HEARTBEAT,
        retry_policy=RetryPolicy(
            # Soon at first, since the attempt may have been lost with its worker; then later.
            initial_interval=timedelta(milliseconds=200),
            backoff_coefficient=4,
            maximum_interval=timedelta(seconds=30),
            maximum_attempts=tool.tries,
        ),
    )
    if tool.queue:
        policy["task_queue"] = tool.queue
    return policy


def command(seconds: float) -> Policy:
    """Return the policy of an activity that runs a command which may take `seconds`.

    It is killed at its own limit, and then still has to say what it came to. A worker that is
    lost is noticed by heartbeat, and the command runs again: on a copy of its own.
    """
    return Policy(
        start_to_close_timeout=timedelta(seconds=seconds + 60),
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=500),
            maximum_interval=timedelta(seconds=10),
            maximum_attempts=4,
        ),
    )
