"""What is known of a lead: a fold of the traits its events carried, the same whatever order they arrive in.

Each trait is a last-writer-wins register over the event order `(occurred_at, event_id)`, so merging is commutative,
associative and idempotent (Shapiro et al., “Conflict-free replicated data types”, 2011).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_TRAITS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Traits, and per trait the event that set it last: `[occurred_at as RFC 3339, event_id]`."""

    traits: Mapping[str, Any]
    clock: Mapping[str, list[str]]

    @property
    def name(self) -> str:
        full = self._text("name") or " ".join(filter(None, (self._first_name(), self._last_name())))
        return full[:200]

    @property
    def email(self) -> str:
        return self._text("email").lower()[:254]

    def email_or(self, otherwise: str) -> str:
        """Return the address to show: that of the traits, also when they forgot it; else one the lead came with."""
        return self.email if "email" in self.clock else otherwise

    @property
    def company(self) -> str:
        company = self.traits.get("company")
        if isinstance(company, Mapping):
            company = company.get("name")
        return company.strip()[:200] if isinstance(company, str) else ""

    def _first_name(self) -> str:
        return self._text("first_name") or self._text("firstName")

    def _last_name(self) -> str:
        return self._text("last_name") or self._text("lastName")

    def _text(self, key: str) -> str:
        value = self.traits.get(key)
        return value.strip() if isinstance(value, str) else ""


def learn(profile: Profile, traits: Mapping[str, Any], *, occurred_at: datetime, event_id: str) -> Profile:
    """Return the profile after an event that carried `traits`. A trait set to null is forgotten.

    Of more than `MAX_TRAITS` different traits those that were set last are kept: a profile is not a place to store a
    log. (What arrived first must not decide, or the order of arrival would show.)
    """
    stamp = [occurred_at.astimezone(UTC).isoformat(timespec="microseconds"), event_id]
    known, clock = dict(profile.traits), dict(profile.clock)
    for key, value in traits.items():
        if key in clock and clock[key] > stamp:
            continue
        clock[key] = stamp
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value
    return _bounded(known, clock)


def join(one: Profile, other: Profile) -> Profile:
    """Return what is known of a person of whom two profiles are: of each trait what was set last."""
    known, clock = dict(one.traits), dict(one.clock)
    for key, stamp in other.clock.items():
        if key in clock and clock[key] > stamp:
            continue
        clock[key] = stamp
        if key in other.traits:
            known[key] = other.traits[key]
        else:
            known.pop(key, None)
    return _bounded(known, clock)


def _bounded(known: dict[str, Any], clock: dict[str, list[str]]) -> Profile:
    for key in sorted(clock, key=lambda key: (clock[key], key))[: max(0, len(clock) - MAX_TRAITS)]:
        del clock[key]
        known.pop(key, None)
    return Profile(traits=known, clock=clock)
