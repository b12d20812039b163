"""Weights as a setting writes them, and keys that a server takes."""

import pytest

from domain.fairness import fairness_key, weights_of


@pytest.mark.requirement("C5.5:turns-weight")
def test_weights_are_read() -> None:
    """Names may have an equals sign in them, and blanks around."""
    assert weights_of(" acme=3, a=b=0.5 ,") == {"acme": 3.0, "a=b": 0.5}
    assert weights_of("") == {}


@pytest.mark.requirement("C5.5:turns-weight")
@pytest.mark.parametrize("text", ["acme", "=3", "acme=", "acme=-1", "acme=0", "a=nan", "a=2000"])
def test_what_is_no_weight_is_refused(text: str) -> None:
    """The part that is wrong is named, with what was expected."""
    with pytest.raises(ValueError, match=r"expected TENANT=WEIGHT") as caught:
        weights_of(f"ok=1,{text}")

    assert repr(text) in str(caught.value)


@pytest.mark.requirement("C5.5:turns-key")
@pytest.mark.parametrize("tenant", ["acme", "x" * 65, "ü" * 40])
def test_a_key_fits_and_tells_tenants_apart(tenant: str) -> None:
    """It has at most 64 bytes, is the tenant where that fits, and never another's."""
    key = fairness_key(tenant)

    assert len(key.encode()) <= 64
    assert key != fairness_key(tenant + "y")
    assert (key == tenant) == (len(tenant.encode()) <= 64)
