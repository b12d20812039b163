"""The words of made-up traces: every other one is for seeds by which nothing was made."""

from typing import Final

NOUNS: Final = (
    "ledger", "invoice", "harbour", "window", "copper", "lantern", "velvet", "orchard", "signal",
    "meadow", "gravel", "timber", "canyon", "ribbon", "saddle", "thunder", "walnut", "anchor",
    "basket", "candle", "dagger", "ember", "falcon", "glacier", "hammer", "island", "jacket",
    "kettle", "ladder", "magnet", "needle", "oyster", "pepper", "quartz", "rocket", "silver",
    "turtle", "umbrella", "violin",
)  # fmt: skip
SUBJECTS: Final = (
    "refund policy for late orders", "open positions of account 4471",
    "warranty on copper kettles", "travel expenses in march", "opening hours of the north depot",
    "password rules for contractors", "delivery times to Norway", "discounts for schools",
    "return address for batteries", "supplier of the green lanterns",
)  # fmt: skip
EMPTY: Final = (
    "No results.", "[]", '{"results": [], "total": 0}', "Nothing found.", "0 hits",
    '{"items": [], "count": 0}', "no matching documents", "There are no records for this.",
    "not found", "No entries match your query.",
)  # fmt: skip
ERRORS: Final = (
    "error: column 'amount' does not exist", "error: permission denied for table orders",
    "Traceback: KeyError: 'total'", "error: file not found", "Error 404: no such resource",
    "error: invalid value for field 'date'", "failed: cannot open the archive",
    "error: unknown function sum_all", "refused: arguments do not fit the schema",
    "exception: index out of range",
)  # fmt: skip
TRANSIENT: Final = (
    "error: 503 service unavailable", "error: request timed out, try again",
    "error: 429 too many requests", "connection reset by peer", "502 bad gateway",
    "temporary failure, retry later",
)  # fmt: skip
RECEIPTS: Final = (
    "ok", "done", "saved", '{"status": "ok"}', "accepted", "record created", '{"success": true}',
    "valid, no issues found", "processed", "written",
)  # fmt: skip
PLAIN: Final = (
    "The file has 210 lines and defines three functions: load, sort and store, in this order.",
    '{"balance": 1200, "currency": "EUR", "holder": "Meyer", "state": "open", "limit": 5000}',
    "12 tests, 3 failed: test_sum, test_mean, test_empty; see the log of the build for details",
    '{"rows": [{"city": "Oslo", "stock": 4}, {"city": "Bergen", "stock": 0}], "total": 2}',
    "value: 17", "status: open", '{"version": "3.2.1"}', "branch main, nothing to commit",
)  # fmt: skip
READS: Final = (
    "read_file", "search", "get_account", "list_orders", "query", "fetch_page", "lookup",
)  # fmt: skip
FAIL: Final = (
    "2 tests failed: test_sum, test_mean", "build failed: undefined symbol parse",
    "FAILED (errors=1): test_load", "error: expected ';' before return",
)  # fmt: skip
NOTES: Final = (
    "still looking for the cause", "nothing new in the log", "the answer is not clear yet",
    "no change since the last look",
)  # fmt: skip
