"""Add leads up, one after the other, in any order and in bounded memory.

A lead costs sixteen bytes, however many events it has; only those of a sample of fixed size keep their hits.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappush, heappushpop
from statistics import median

SAMPLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was known of a lead before its outcome, or is known now that it has none.

    `hits` names the rules that matched, each with how often it counted (0 if its limit refused all of them). Only what
    happened strictly before the outcome is in here. `score` is in hundredths, as it stood just before the outcome or
    stands now; `days` passed from the lead's first event to then.
    """

    key: str
    converted: bool
    score: int
    hits: Mapping[str, int]
    days: float


@dataclass(slots=True)
class Tally:
    """Of the leads with a hit of a rule: how many there are, and how many converted."""

    leads: int = 0
    converted: int = 0


class Sample:
    """Of all the leads offered, those whose keys have the smallest hashes: by chance, and the same in any order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._drawn: list[tuple[int, str, Observation]] = []
        self.cutoff = 1 << 64

    def offer(self, seen: Observation) -> None:
        """Keep a lead if its hash is among the smallest."""
        rank = int.from_bytes(blake2b(seen.key.encode(), digest_size=8).digest())
        if len(self._drawn) < self._size:
            heappush(self._drawn, (-rank, seen.key, seen))
        else:
            left_out = heappushpop(self._drawn, (-rank, seen.key, seen))
            self.cutoff = min(self.cutoff, -left_out[0])

    def up_to(self, cutoff: int) -> list[tuple[int, Observation]]:
        """Return the leads whose hash is below a cutoff, each with its hash."""
        return [(-rank, seen) for rank, _, seen in self._drawn if -rank < cutoff]


class Collector:
    """The sums of which a report is made."""

    def __init__(self, rules: Sequence[str], *, sample: int = SAMPLE) -> None:
        self.rules = tuple(rules)
        self.tallies = {name: Tally() for name in self.rules}
        self.converted = array("q")
        self.others = array("q")
        self._samples = (Sample(sample), Sample(sample))
        self._days = array("d")
        self._waited = array("d")

    def add(self, seen: Observation) -> None:
        """Count a lead."""
        (self.converted if seen.converted else self.others).append(seen.score)
        (self._days if seen.converted else self._waited).append(seen.days)
        for name in seen.hits:
            tally = self.tallies.get(name)
            if tally is not None:
                tally.leads += 1
                tally.converted += seen.converted
        self._samples[seen.converted].offer(seen)

    @property
    def sample(self) -> list[Observation]:
        """Return a sample with as many of either kind as there are, up to its size: what a model learns from.

        Converted leads are too many in it where they are rare. That moves the constant of a logistic regression and
        nothing else (Prentice & Pyke, Biometrika 66 (1979), 403–411).
        """
        return _in_order([drawn for sample in self._samples for drawn in sample.up_to(1 << 64)])

    @property
    def typical(self) -> list[Observation]:
        """Return a sample in which converted leads are as rare as they are among all."""
        cutoff = min(sample.cutoff for sample in self._samples)
        return _in_order([drawn for sample in self._samples for drawn in sample.up_to(cutoff)])

    @property
    def days_to_outcome(self) -> float | None:
        """Return how many days half of the converted leads took at most, from first event to outcome."""
        return median(self._days) if self._days else None

    @property
    def too_young(self) -> int:
        """Return how many of the others have been known for less than `days_to_outcome`."""
        days = self.days_to_outcome
        return 0 if days is None else sum(waited < days for waited in self._waited)


def _in_order(drawn: list[tuple[int, Observation]]) -> list[Observation]:
    return [seen for _, seen in sorted(drawn, key=lambda pair: (pair[0], pair[1].key))]
