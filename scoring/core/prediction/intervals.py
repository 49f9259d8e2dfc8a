"""How sure a share, a ratio of shares or an AUC is: 95 % confidence intervals."""

from dataclasses import dataclass
from math import exp, log, sqrt

Z = 1.959963984540054
"""The standard normal quantile for two-sided 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many of so many leads converted; `share`, `low` and `high` are None when there are no leads."""

    converted: int
    leads: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two shares; `value` and `high` are None where it has no upper bound (nobody without converted)."""

    value: float | None
    low: float
    high: float | None


def rate_of(converted: int, leads: int) -> Rate:
    """Return a conversion rate with its Wilson score interval.

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± z·√(p(1−p)/n) it stays within 0…1 and is right
    for few leads and rare outcomes. Source: E. B. Wilson, JASA 22 (1927), 209–212.
    """
    if not 0 <= converted <= leads:
        raise ValueError(f"{converted} of {leads} leads cannot have converted.")
    if leads == 0:
        return Rate(converted=0, leads=0, share=None, low=None, high=None)
    share = converted / leads
    centre = share + Z * Z / (2 * leads)
    spread = Z * sqrt(share * (1 - share) / leads + Z * Z / (4 * leads * leads))
    scale = 1 + Z * Z / leads
    # At the ends the bound is the end itself; floating point would leave it a hair beside.
    low = 0.0 if converted == 0 else (centre - spread) / scale
    high = 1.0 if converted == leads else (centre + spread) / scale
    return Rate(converted=converted, leads=leads, share=share, low=low, high=high)


def ratio_of(with_hit: Rate, without: Rate) -> Ratio | None:
    """Return how many times as high one rate is as another, with the Katz log interval; None if a side has no leads.

    exp(ln R ± z·√(1/a − 1/n₁ + 1/c − 1/n₀)) with R = (a/n₁)/(c/n₀). Source: Katz, Baptista, Azen & Pike,
    Biometrics 34 (1978), 469–474. Where nobody of a side converted the logarithm does not exist: then the interval is
    taken with ½ added to a and c, and n₁ and n₀ enlarged by as much (Pettigrew, Gart & Thomas, Biometrika 73 (1986),
    425–435) and opened on the side that has no end: from 0, or without an upper bound. It is None, too, when nobody at
    all converted, which says nothing of any ratio.
    """
    a, n1, c, n0 = with_hit.converted, with_hit.leads, without.converted, without.leads
    if not n1 or not n0 or not (a or c):
        return None
    if a and c:
        value = (a / n1) / (c / n0)
        spread = Z * sqrt(max(1 / a - 1 / n1 + 1 / c - 1 / n0, 0.0))
        return Ratio(value=value, low=value * exp(-spread), high=value * exp(spread))
    centre = log((a + 0.5) / (n1 + 0.5)) - log((c + 0.5) / (n0 + 0.5))
    spread = Z * sqrt(1 / (a + 0.5) - 1 / (n1 + 0.5) + 1 / (c + 0.5) - 1 / (n0 + 0.5))
    if a == 0:
        return Ratio(value=0.0, low=0.0, high=exp(centre + spread))
    return Ratio(value=None, low=exp(centre - spread), high=None)


def auc_bounds(auc: float, *, converted: int, others: int) -> tuple[float, float]:
    """Return the bounds of an AUC, cut off at 0 and 1.

    A ± z·√((A(1−A) + (P−1)(Q₁−A²) + (N−1)(Q₂−A²)) / PN), Q₁ = A/(2−A), Q₂ = 2A²/(1+A).
    Source: Hanley & McNeil, Radiology 143 (1982), 29–36.
    """
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (converted - 1) * (q1 - auc * auc) + (others - 1) * (q2 - auc * auc)
    spread = Z * sqrt(max(variance, 0.0) / (converted * others))
    return max(auc - spread, 0.0), min(auc + spread, 1.0)
