"""How well a score ranks: the ROC curve, the area under it, and conversion by band of score.

Scores are whole hundredths. Equal scores are one threshold and one band: nothing depends on the order of leads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scoring.core.prediction.intervals import Rate, auc_bounds, rate_of

BINS = 10
MAX_POINTS = 200

Level = tuple[int, int, int]
"""A score, how many leads with it converted, and how many did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roc:
    """The curve as (share of others flagged, share of converted flagged) from (0, 0) to (1, 1), and its area."""

    points: tuple[tuple[float, float], ...]
    auc: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The leads whose score lies in `lowest`…`highest` (points), and how many of them converted."""

    lowest: float
    highest: float
    rate: Rate


def levels_of(converted: Iterable[int], others: Iterable[int]) -> list[Level]:
    """Return the distinct scores of the leads that converted and of the others, the lowest first.

    Both are sorted and merged, so what is held is what the callers hold: eight bytes a lead in an array.
    """
    first, second = sorted(converted), sorted(others)
    levels: list[Level] = []
    i = j = 0
    while i < len(first) or j < len(second):
        score = min(first[i] if i < len(first) else second[j], second[j] if j < len(second) else first[i])
        hits, misses = i, j
        while i < len(first) and first[i] == score:
            i += 1
        while j < len(second) and second[j] == score:
            j += 1
        levels.append((score, i - hits, j - misses))
    return levels


def auc_of(levels: Sequence[Level]) -> float | None:
    """Return the chance that a lead that converted has a higher score than one that did not; a tie counts half.

    The Mann–Whitney statistic U/PN, counted in whole numbers, so that ties are exact. None if a side is empty.
    Source: Mann & Whitney, Ann. Math. Stat. 18 (1947), 50–60; as an area: Hanley & McNeil (1982).
    """
    converted = sum(hits for _, hits, _ in levels)
    others = sum(misses for _, _, misses in levels)
    if not converted or not others:
        return None
    below = doubled = 0
    for _, hits, misses in levels:
        doubled += hits * (2 * below + misses)
        below += misses
    return doubled / (2 * converted * others)


def roc_of(levels: Sequence[Level]) -> Roc | None:
    """Return the ROC curve: a threshold comes down from the highest score to the lowest; None if a side is empty.

    The area is that of all thresholds, also where the curve is thinned to two hundred points for drawing.
    """
    auc = auc_of(levels)
    if auc is None:
        return None
    converted = sum(hits for _, hits, _ in levels)
    others = sum(misses for _, _, misses in levels)
    points = [(0.0, 0.0)]
    true = false = 0
    for _, hits, misses in reversed(levels):
        true, false = true + hits, false + misses
        points.append((false / others, true / converted))
    low, high = auc_bounds(auc, converted=converted, others=others)
    return Roc(points=tuple(_thin(points)), auc=auc, low=low, high=high)


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= MAX_POINTS:
        return points
    last = len(points) - 1
    return [points[round(step * last / (MAX_POINTS - 1))] for step in range(MAX_POINTS)]


def bins_of(levels: Sequence[Level], *, most: int = BINS) -> tuple[Bin, ...]:
    """Return at most `most` bands of score with about equally many leads each, the lowest first.

    A score belongs to the band in which the middle one of its leads falls, so equal scores are never parted, and a
    score that very many leads have makes a large band and may leave others out.
    """
    total = sum(hits + misses for _, hits, misses in levels)
    bands: dict[int, list[Level]] = {}
    below = 0
    for level in levels:
        size = level[1] + level[2]
        bands.setdefault(most * (2 * below + size) // (2 * total), []).append(level)
        below += size
    return tuple(_bin(band) for band in bands.values())


def _bin(band: Sequence[Level]) -> Bin:
    converted = sum(hits for _, hits, _ in band)
    leads = converted + sum(misses for _, _, misses in band)
    return Bin(lowest=band[0][0] / 100, highest=band[-1][0] / 100, rate=rate_of(converted, leads))
