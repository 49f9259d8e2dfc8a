"""What the pages show, as plain values: frozen, without queries hidden in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from leadscore.dashboard.stages import Ahead, RulerSegment, StageMark, StageScale


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a lead stands on one scorecard."""

    score: Decimal
    stage: StageMark
    ruler: tuple[RulerSegment, ...]
    ahead: Ahead | None


def standing_at(score: Decimal, stage: str, *, scale: StageScale) -> Standing:
    """Return how to show a score and its stage."""
    return Standing(score=score, stage=scale.mark(stage), ruler=scale.ruler(score), ahead=scale.ahead(score))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """A lead in a list. `label` is its name, else its e-mail, else the end of its id."""

    id: UUID
    label: str
    email: str
    company: str
    owner: str
    last_event_at: datetime | None
    standing: Standing

    @property
    def detail(self) -> str:
        """Return what else tells the lead from others."""
        return detail_of(self.label, self.company, self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRow:
    """A place on the leaderboard. Leads with equal scores share a rank."""

    rank: int
    id: UUID
    label: str
    email: str
    company: str
    standing: Standing

    @property
    def detail(self) -> str:
        """Return what else tells the lead from others."""
        return detail_of(self.label, self.company, self.email)


def detail_of(label: str, *parts: str) -> str:
    """Return the parts that are known and not the label itself, in one line."""
    return " · ".join(part for part in parts if part and part != label)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShare:
    """How many leads are in a stage, and where its part of a bar begins and how long it is, in percent."""

    stage: StageMark
    count: int
    x: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestEvent:
    """A line of the event log and whose it is: nobody's (`None`) once the person is erased.

    `sentence`: what it says, if it is a merge or its undoing.
    """

    id: UUID
    event_type: str
    received_at: datetime
    lead_id: UUID | None
    lead_label: str
    sentence: str
    excluded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedEvent:
    """An event of a lead that does not count, and why not, in words."""

    id: UUID
    event_type: str
    occurred_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """A line of the score ledger with its reasons."""

    kind: str
    event_type: str
    event_key: UUID | None
    occurred_at: datetime
    delta: Decimal
    old_score: Decimal
    new_score: Decimal
    old_stage: StageMark
    new_stage: StageMark
    rules: tuple[Mapping[str, Any], ...]
    ruleset_version: int
    author: str = ""
    reason: str = ""

    @property
    def crossed(self) -> bool:
        return self.old_stage.name != self.new_stage.name

    @property
    def note(self) -> str:
        """Return why not all of the rules' points counted, or nothing when they did."""
        refusals = [str(rule["refused"]) for rule in self.rules if rule.get("refused")]
        return "; ".join(dict.fromkeys(refusals))


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEvent:
    """An event of a lead and what became of it: pending, scored with an entry, or worth nothing.

    `sentence`: what it says, if it is a merge or its undoing.
    """

    id: UUID
    event_type: str
    sentence: str
    is_profile: bool
    occurred_at: datetime
    pending: bool
    excluded: bool
    entry: EntryRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChoice:
    """An event type that rules score: what it is worth in words, and the names of its rules."""

    event_type: str
    worth: str
    css: str
    rules: str
