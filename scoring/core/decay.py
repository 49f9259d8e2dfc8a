"""Fading: a score with a half-life halves every so many days, on its way to 0.

The exact score is known at any moment from its anchor, so nobody needs to look at the right time; the ledger
gets an entry whenever the exact score has come down to the next whole number.
"""

from datetime import datetime, timedelta
from math import ceil, log2

from scoring.core.ruleset import Card

POINT = 100
FINE_UP_TO = 10_000 * POINT
DIGITS = 6


def fade(anchor: int, residue: float, *, since: datetime, until: datetime, card: Card) -> tuple[int, float]:
    """Return the exact score at `until` in hundredths and the rest below a hundredth that rounding left.

    score × 2^(−Δt/half-life), stopping at a floor above 0 (a cap below 0) and never rounding twice: the rest
    goes into the next fading, so that a lead who is looked at every second fades as fast as any other.
    """
    if card.half_life is None or anchor == 0 or until == since:
        return anchor, residue
    exact: float = (anchor + residue) * 2.0 ** (-(until - since).total_seconds() / card.half_life)
    if anchor > 0:
        stop = min(max(card.floor, 0), anchor)
        exact = max(exact, float(stop))
        whole = min(round(exact), anchor)
    else:
        stop = max(min(card.cap, 0), anchor)
        exact = min(exact, float(stop))
        whole = max(round(exact), anchor)
    return whole, round(exact - whole, DIGITS)


def left_of(amount: int, *, days: int, card: Card) -> int:
    """Return what fading has left after so many days of points in hundredths."""
    if card.half_life is None:
        return amount
    share: float = 2.0 ** (-days * 86_400 / card.half_life)
    return round(amount * share)


def next_step(
    hundredths: int, anchor: int, residue: float, *, since: datetime, card: Card
) -> tuple[datetime, int] | None:
    """Return when the score next comes down to a whole number, and to which; None when it no longer fades.

    t = since + half-life × log2(anchor/k). Above 10,000 points the steps are tens, above 100,000 hundreds,
    and so on. The last step, to 0, is made at 0.5, or after one half-life when the anchor was below 1.
    """
    if card.half_life is None or hundredths == 0 or anchor == 0 or (anchor > 0) != (hundredths > 0):
        return None
    size = abs(anchor + residue)
    score = abs(hundredths)
    stop = max(card.floor, 0) if anchor > 0 else max(-card.cap, 0)
    if score <= stop:
        return None
    below = _lower(score)
    threshold = float(below) if below else POINT / 2 if size >= POINT else size / 2
    if below <= stop and stop:
        below, threshold = stop, float(stop)
    wait = max(ceil(card.half_life * 1_000_000 * log2(size / threshold)), 0)
    try:
        return since + timedelta(microseconds=wait), below if anchor > 0 else -below
    except OverflowError:
        return None


def _lower(score: int) -> int:
    """Return the next whole number (of tens, hundreds… for large scores) below a score."""
    unit = POINT
    while score > unit * (FINE_UP_TO // POINT):
        unit *= 10
    return (score - 1) // unit * unit
