"""Which model a call goes to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing import (
    LARGE,
    OWN,
    ROUTES,
    SMALL,
    Fallen,
    RoutingPolicy,
    apart,
    at_home,
    expanded,
    may_read,
    parse_route,
)

OWN_MODELS = ("openai:gpt-5-mini", "anthropic:claude-haiku-4-5")
NAMED = dict(ROUTES)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.requirement("C5.5:by-purpose")
@pytest.mark.parametrize(
    ("purpose", "route"),
    [
        ("turn", OWN),
        ("plan", OWN),
        ("critic", LARGE),
        ("summary", SMALL),
        ("claims", SMALL),
        ("verify", SMALL),
        ("classification", SMALL),
        ("parsing", SMALL),
        ("unheard of", OWN),
    ],
)
def test_a_purpose_has_its_route(purpose: str, route: str) -> None:
    """Reasoning is the large model's; what reads, sorts and condenses the small one's."""
    policy = RoutingPolicy().resolved(NAMED, private=False)

    assert policy.route_of(purpose) == route


@pytest.mark.requirement("C5.5:by-purpose")
def test_an_agent_may_say_otherwise() -> None:
    """What its policy names is over the usual; a route that is not there is the agent's own."""
    told = RoutingPolicy(purposes={"turn": LARGE, "critic": SMALL, "summary": "gone"})
    policy = told.resolved(NAMED, private=False)

    assert policy.route_of("turn") == LARGE
    assert policy.models(policy.route_of("critic"), OWN_MODELS) == ROUTES[SMALL]
    assert policy.models(policy.route_of("summary"), OWN_MODELS) == OWN_MODELS


@pytest.mark.requirement("C5.5:by-budget")
def test_little_money_makes_models_small() -> None:
    """Below the share every call goes to the small route; without a share none does."""
    policy = RoutingPolicy(small_below=0.25).resolved(NAMED, private=False)

    assert policy.route_of("turn", 0.25) == OWN
    assert policy.route_of("turn", 0.24) == SMALL
    assert policy.route_of("critic", 0) == SMALL
    assert RoutingPolicy().resolved(NAMED, private=False).route_of("turn", 0) == OWN


MODELS = st.sampled_from(["local:a", "local:b", "openai:x", "anthropic:y", "localhost:z"])
ROUTE = st.lists(MODELS, min_size=1, max_size=4).map(tuple)


@pytest.mark.requirement("C5.5:private")
@given(
    named=st.dictionaries(st.sampled_from([SMALL, LARGE, "other"]), ROUTE),
    purposes=st.dictionaries(
        st.sampled_from(["turn", "critic"]), st.sampled_from([LARGE, "other"])
    ),
    purpose=st.sampled_from(["turn", "plan", "critic", "summary", "embedding"]),
    left=st.floats(0, 1),
)
def test_no_purpose_leads_private_data_away(
    named: dict[str, tuple[str, ...]], purposes: dict[str, str], purpose: str, left: float
) -> None:
    """Whatever the operator and the agent say, a private agent's calls stay on local models."""
    policy = RoutingPolicy(purposes=purposes, small_below=0.5).resolved(named, private=True)

    models = policy.models(policy.route_of(purpose, left), ("local:own",))

    assert all(may_read(model, private=True) for model in models)
    assert all(model.startswith("local:") for model in models)


@pytest.mark.requirement("C5.5:private")
def test_a_calls_own_models_do_not_lead_private_data_away() -> None:
    """A critic with a route of its own asks the local models of it, else the agent's."""
    own = ("local:own",)

    assert at_home(("openai:x", "local:y"), own, private=True) == ("local:y",)
    assert at_home(("openai:x",), own, private=True) == own
    assert at_home(("openai:x",), own, private=False) == ("openai:x",)


@pytest.mark.requirement("C5.5:back")
def test_a_model_that_was_left_is_due_after_a_while() -> None:
    """Not before, and never where the agent says so."""
    left = Fallen(model=1, since=NOW)

    assert not left.due(NOW + timedelta(seconds=299), 300)
    assert left.due(NOW + timedelta(seconds=300), 300)
    assert not left.due(NOW + timedelta(days=9), 0)


@pytest.mark.requirement("C5.5:names")
def test_a_route_is_written_out() -> None:
    """Names become their models, each once, in order."""
    assert expanded(["local:a", SMALL, "openai:gpt-5-nano"], NAMED) == ("local:a", *ROUTES[SMALL])
    with pytest.raises(ValueError, match=r"'smal' is neither .* \['large', 'small'\]"):
        expanded(["smal"], NAMED)


@pytest.mark.requirement("C5.5:names")
@pytest.mark.parametrize("text", ["", " , ", "gpt-5", "openai:", "google:gemini", "openai:a,b"])
def test_a_route_that_is_none_is_refused(text: str) -> None:
    """A setting with a slip fails when the worker starts, not when the first run needs it."""
    with pytest.raises(ValueError, match=r"openai"):
        parse_route(text)


@pytest.mark.requirement("C5.5:names")
def test_a_route_of_the_settings_is_read() -> None:
    """Spaces are nothing; a model's name may have colons of its own."""
    assert parse_route(" openai:gpt-5-nano, local:llama3.1:8b ") == (
        "openai:gpt-5-nano",
        "local:llama3.1:8b",
    )


@pytest.mark.requirement("C5.5:private")
def test_private_and_other_agents_do_not_take_part_in_one_run() -> None:
    """A run of several hands on what its agents find, so one private agent makes all so."""
    assert "'kept' is private and 'open' is not" in apart("kept", "open")
    assert apart("kept", "") == apart("", "open") == apart("", "") == ""
