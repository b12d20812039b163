"""What a claimed confidence is worth: measured against decisions that a person has reviewed.

The claims are sorted into bins. A bin's worth is its share of right decisions, drawn towards what
was claimed while the bin has few reviews; then neighbours that contradict each other (a higher
claim that is right less often) are pooled, as isotonic regression does (pool adjacent violators).
Source: Zadrozny and Elkan, Transforming classifier scores into accurate probability estimates.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from domain.contract import Contract

BINS = 10
# So many reviews does a claim count for: with fewer, the claim says more than the reviews.
PRIOR = 4.0


class Bin(Contract):
    """Reviewed decisions whose claims lie together.

    Attributes:
        claimed: Sum of the claims.
        squared: Sum over the decisions of (claim - right) squared, for the Brier score.
    """

    number: int
    reviewed: int = 0
    right: int = 0
    claimed: float = 0
    squared: float = 0


class Line(Contract):
    """One line of the table that shows how well claims fit.

    Attributes:
        low: The claims are at least this,
        high: and less than this.
        claimed: Their mean; None where there are none.
        right: Share that was right; None where there are none.
        worth: What a claim from this bin counts as.
    """

    low: float
    high: float
    reviewed: int
    claimed: float | None
    right: float | None
    worth: float


class Calibration(Contract):
    """How well claims fit what reviews found.

    Attributes:
        brier: Mean of (claim - right) squared; 0 is perfect, None without reviews.
        ece: Expected calibration error: mean distance of claim and share right, by bin.
    """

    source: str
    reviewed: int
    lines: tuple[Line, ...]
    brier: float | None
    ece: float | None


def bin_of(claim: float) -> int:
    """Return the bin of a claim, 0 to `BINS` - 1."""
    return max(0, min(BINS - 1, int(claim * BINS)))


def binned(reviewed: Iterable[tuple[float, bool]]) -> tuple[Bin, ...]:
    """Sort reviewed decisions, each a claim and whether it was right, into bins."""
    found = [Bin(number=number) for number in range(BINS)]
    for claim, right in reviewed:
        before = found[bin_of(claim)]
        found[before.number] = Bin(
            number=before.number,
            reviewed=before.reviewed + 1,
            right=before.right + right,
            claimed=before.claimed + claim,
            squared=before.squared + (claim - right) ** 2,
        )
    return tuple(found)


def worth(bins: Sequence[Bin]) -> list[float]:
    """Return what a claim of each bin is worth: rising with the claim, 0 to 1."""
    values = [_smoothed(each) for each in bins]
    weights = [each.reviewed + PRIOR for each in bins]
    return _pooled(values, weights)


def _smoothed(each: Bin) -> float:
    middle = (each.number + 0.5) / BINS
    claimed = each.claimed / each.reviewed if each.reviewed else middle
    return (each.right + PRIOR * claimed) / (each.reviewed + PRIOR)


def _pooled(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the closest values that never fall."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, bins
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            mean = (before[0] * before[1] + block[0] * block[1]) / total
            block = (mean, total, before[2] + block[2])
        blocks.append(block)
    return [mean for mean, _, size in blocks for _ in range(size)]


def calibrated(claim: float, bins: Sequence[Bin]) -> float:
    """Return what a claim is worth; without any review, the claim itself.

    Between the middles of two bins the worth is interpolated, so that no step between bins
    decides about a claim.
    """
    if not any(each.reviewed for each in bins):
        return min(1.0, max(0.0, claim))
    middles = [(number + 0.5) / BINS for number in range(BINS)]
    values = worth(bins)
    points = [(0.0, values[0]), *zip(middles, values, strict=True), (1.0, values[-1])]
    for (low, left), (high, right) in pairwise(points):
        if claim <= high:
            share = (claim - low) / (high - low) if claim > low else 0.0
            return left + share * (right - left)
    return values[-1]


def table(source: str, bins: Sequence[Bin]) -> Calibration:
    """Return the table: claimed against right, bin by bin."""
    count = sum(each.reviewed for each in bins)
    gaps = sum(abs(each.claimed - each.right) for each in bins)
    lines = [
        Line(
            low=each.number / BINS,
            high=(each.number + 1) / BINS,
            reviewed=each.reviewed,
            claimed=each.claimed / each.reviewed if each.reviewed else None,
            right=each.right / each.reviewed if each.reviewed else None,
            worth=value,
        )
        for each, value in zip(bins, worth(bins), strict=True)
    ]
    return Calibration(
        source=source,
        reviewed=count,
        lines=tuple(lines),
        brier=sum(each.squared for each in bins) / count if count else None,
        ece=gaps / count if count else None,
    )
