"""Which exceptions end a run as failed, where the SDK's default retries the task forever.

All are deterministic: the same input would raise them again. Left out on purpose is
`NondeterminismError`: after a bad deploy a run waits for the right code, and is not lost.
"""

from collections.abc import Sequence

FAILURES: Sequence[type[BaseException]] = (
    ValueError,  # with pydantic's ValidationError: an input that does not convert
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,  # RecursionError among them
    OSError,
)
