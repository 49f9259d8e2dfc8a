"""Points: decimals with two places, counted inside the engine as whole hundredths.

The only place where points are rounded (half to even), so that a sum never depends on the order of its parts.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

CENT = Decimal("0.01")
LARGEST = Decimal(1_000_000_000)
ZERO = Decimal("0.00")


def to_hundredths(points: Decimal) -> int:
    """Return points as whole hundredths, rounded half to even; ValueError when not finite or too large."""
    if not points.is_finite() or abs(points) > LARGEST:
        raise ValueError(f"Points must be a number between −{LARGEST:,} and {LARGEST:,}, not {points}.")
    return int(points.quantize(CENT, rounding=ROUND_HALF_EVEN).scaleb(2))


@lru_cache(maxsize=65536)
def to_points(hundredths: int) -> Decimal:
    """Return whole hundredths as points with two decimal places."""
    return Decimal(hundredths).scaleb(-2)


def to_number(points: Decimal) -> int | float:
    """Return points as the JSON number people expect: 15 rather than 15.0."""
    return int(points) if points == points.to_integral_value() else float(points)


def in_words(points: Decimal, *, sign: bool = False) -> str:
    """Return points as a person writes them: "15", "2.5", "−20", and "+15" when the sign is wanted."""
    size = abs(points)
    digits = f"{size:,f}" if size != size.to_integral_value() else f"{int(size):,}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if points < 0:
        return f"−{digits}"
    return f"+{digits}" if sign else digits
