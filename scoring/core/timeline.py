"""The versions of a project's rules in the order of the event times they apply from.

An event is scored by the version in force at its event time, whenever it arrives.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from scoring.core.ruleset import Ruleset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timeline:
    """Versions that are not superseded; the first applies from always, whatever it was published with."""

    versions: tuple[tuple[datetime | None, Ruleset], ...]
    starts: tuple[datetime, ...]
    latest: Ruleset
    only: Ruleset | None
    trait_keys: frozenset[str]

    @classmethod
    def build(cls, published: Sequence[tuple[datetime | None, Ruleset]]) -> Self:
        """Return the timeline of published versions; each supersedes what applied from its time on."""
        if not published:
            raise ValueError("A timeline needs at least one version of the rules.")
        versions: list[tuple[datetime | None, Ruleset]] = []
        for applies_from, ruleset in published:
            versions = [
                (start, earlier)
                for start, earlier in versions
                if applies_from is not None and (start is None or start < applies_from)
            ]
            versions.append((applies_from, ruleset))
        return cls(
            versions=tuple(versions),
            starts=tuple(start for start, _ in versions[1:] if start is not None),
            latest=versions[-1][1],
            only=versions[0][1] if len(versions) == 1 else None,
            trait_keys=frozenset().union(*(ruleset.trait_keys for _, ruleset in versions)),
        )

    def at(self, moment: datetime) -> Ruleset:
        """Return the version in force at a moment; before the first, the first."""
        if self.only is not None:
            return self.only
        return self.versions[bisect_right(self.starts, moment)][1]

    def by_number(self, number: int) -> Ruleset | None:
        """Return a version by its number, None when it is superseded."""
        return next((ruleset for _, ruleset in self.versions if ruleset.number == number), None)

    def resume(self, card: str, moment: datetime) -> datetime | None:
        """Return the first moment from `moment` on at which a scorecard exists, None when none is."""
        if card in self.at(moment).by_name:
            return moment
        for index in range(bisect_left(self.starts, moment), len(self.starts)):
            if card in self.versions[index + 1][1].by_name:
                return self.starts[index]
        return None
