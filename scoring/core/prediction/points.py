"""From the coefficients of a model to whole points a person can read.

Only the ratios between coefficients mean something; the scale is free, and is chosen so that stages keep their meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.core.stages import StageTable

LARGEST = 1_000
SAMPLE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a score is measured by: its stages, floor and cap, in hundredths."""

    stages: StageTable
    floor: int
    cap: int


def whole_points(
    coefficients: Mapping[str, float],
    *,
    current: Mapping[str, int],
    leads: Sequence[Mapping[str, int]],
    scale: Scale,
) -> dict[str, int]:
    """Return whole points for the rules of `coefficients`, in proportion to them.

    All are multiplied by one number and rounded. Of the multiples that give the largest one 1, 2, 3 … 1,000 points
    (in steps of at most 5 %) that one is taken with which the fewest `leads` (their counted hits by rule; the first
    two thousand are looked at) are in another stage than with the `current` points, counting how many are in each
    stage, not which; among equals, the one that moves the mean score least, then the smallest. So “hot” stays as rare
    as it is. Rules without a coefficient keep their current points in both sums. Points and scores are in hundredths,
    results in whole points; fading, groups and expiry are left out on both sides alike.
    """
    steepest = max((abs(value) for value in coefficients.values()), default=0.0)
    if not steepest:
        return dict.fromkeys(coefficients, 0)
    leads = leads[:SAMPLE]
    wanted, wanted_mean = _spread(leads, current, scale)
    best: tuple[tuple[int, float, int], dict[str, int]] | None = None
    for largest in _sizes():
        points = {name: round(value * largest / steepest) for name, value in coefficients.items()}
        shares, mean = _spread(leads, {**current, **{name: 100 * value for name, value in points.items()}}, scale)
        moved = sum(abs(now - then) for now, then in zip(shares, wanted, strict=True))
        fit = (moved, abs(mean - wanted_mean), largest)
        if best is None or fit < best[0]:
            best = (fit, points)
    assert best is not None  # noqa: S101 - there is always a size to try
    return best[1]


def _sizes() -> list[int]:
    sizes = [1]
    while sizes[-1] < LARGEST:
        sizes.append(min(max(sizes[-1] + 1, int(sizes[-1] * 1.05)), LARGEST))
    return sizes


def _spread(leads: Sequence[Mapping[str, int]], points: Mapping[str, int], scale: Scale) -> tuple[list[int], float]:
    """Return how many leads each stage would have, and the mean score."""
    counts = dict.fromkeys(scale.stages.names, 0)
    total = 0
    for hits in leads:
        score = sum(points.get(name, 0) * times for name, times in hits.items())
        score = max(scale.floor, min(scale.cap, score))
        counts[scale.stages.stage_of(score)] += 1
        total += score
    return list(counts.values()), total / max(len(leads), 1)
