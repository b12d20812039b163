"""The offline rules of the dossier's writer: sentences around the figures of its input."""

from typing import Any

from agents.offline import Conversation, Reply
from agents.worker_standin import failure, success, task_of

_SHOWN = 5


def reply(conversation: Conversation) -> Reply:
    """Put what is known into sentences."""
    known = task_of(conversation).get("input", {})
    if not {"profile", "partners", "recurring", "anomalies"} <= known.keys():
        return failure("the input has not all four parts of a dossier")
    profile, odd = known["profile"], known["anomalies"]["anomalies"]
    return success(
        {
            "account": known["account"],
            "title": f"Account {known['account']}",
            "summary": f"Account {known['account']} has {profile['bookings']} bookings from "
            f"{profile['first_day']} to {profile['last_day']} and ends at "
            f"{profile['final_balance']:.2f}. "
            + (f"{len(odd)} things want a look." if odd else "Nothing is unusual."),
            "sections": [
                {"heading": "What it looks like", "text": _profile(profile)},
                {"heading": "With whom it deals", "text": _partners(known["partners"])},
                {"heading": "What comes again", "text": _recurring(known["recurring"])},
                {"heading": "What is unusual", "text": _anomalies(odd)},
            ],
            "open_points": [f"{each['day']}: {each['what']}" for each in odd],
        }
    )


def _profile(profile: dict[str, Any]) -> str:
    kinds = "; ".join(
        f"{each['kind']}: {each['bookings']}, {each['total']:.2f}"
        for each in profile["kinds"][:_SHOWN]
    )
    return (
        f"Received {profile['received']:.2f}, paid {profile['paid']:.2f}, net "
        f"{profile['net']:.2f}. The balance was between {profile['lowest_balance']:.2f} and "
        f"{profile['highest_balance']:.2f}. Most of it: {kinds}."
    )


def _partners(partners: dict[str, Any]) -> str:
    if not partners["named"]:
        return "The ledger names no counterparties."
    named = "; ".join(
        f"{each['name']}: {each['bookings']} bookings, received {each['received']:.2f}, paid "
        f"{each['paid']:.2f}"
        for each in partners["partners"][:_SHOWN]
    )
    return f"{named or 'Nobody is named'}. {partners['without_name']} bookings name nobody."


def _recurring(recurring: dict[str, Any]) -> str:
    payments = "; ".join(
        f"{each['what']}: {each['amount']:.2f} {each['direction']} every {each['every_days']} days"
        for each in recurring["payments"][:_SHOWN]
    )
    return (
        f"{payments or 'Nothing comes regularly'}. In a month that is "
        f"{recurring['monthly_in']:.2f} in and {recurring['monthly_out']:.2f} out."
    )


def _anomalies(odd: list[dict[str, Any]]) -> str:
    if not odd:
        return "Every balance is continued, and every booking is of a usual size."
    return " ".join(f"{each['day']} ({each['kind']}): {each['what']}." for each in odd[:_SHOWN])
