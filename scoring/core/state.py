"""The state of a lead between two folds: small, exact, and all that the next event needs.

A state is never changed once a fold has returned it. `dump_state` and `load_state` are exact inverses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self

from scoring.core.caps import Counter
from scoring.core.points import to_points
from scoring.core.ruleset import Card
from scoring.core.timeline import Timeline


class Pending(NamedTuple):
    """Points that leave at `due`; the heap orders by due time, then by how they came."""

    due: datetime
    sequence: int
    part: int
    rule: str
    amount: int
    days: int
    group: str | None


@dataclass(slots=True, kw_only=True)
class CardState:
    """One scorecard of one lead; scores in hundredths.

    `hundredths` is the score as the ledger has it; with a half-life the exact score is
    `(anchor + residue) × 2^(−(t − anchor_at)/half-life)`. `version` is None until something has happened.
    """

    name: str
    hundredths: int
    stage: str
    sequence: int = 0
    version: int | None = None
    anchor: int = 0
    residue: float = 0.0
    anchor_at: datetime | None = None
    pending: list[Pending] = field(default_factory=list)
    counters: dict[str, Counter] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    adjusted: int = 0
    card: Card | None = field(default=None, compare=False, repr=False)

    @property
    def score(self) -> Decimal:
        """Return the score in points."""
        return to_points(self.hundredths)

    @property
    def fades(self) -> bool:
        """Return whether time alone may change the score: points are to expire, or it has a half-life."""
        return bool(self.pending) or (self.card is not None and self.card.half_life is not None)

    @classmethod
    def untouched(cls, card: Card) -> Self:
        """Return the state of a scorecard to which nothing has happened yet."""
        return cls(name=card.name, hundredths=card.start, stage=card.stages.stage_of(card.start))

    def copy(self) -> "CardState":
        """Return a copy that can be changed without this one noticing."""
        return CardState(
            name=self.name,
            hundredths=self.hundredths,
            stage=self.stage,
            sequence=self.sequence,
            version=self.version,
            anchor=self.anchor,
            residue=self.residue,
            anchor_at=self.anchor_at,
            pending=self.pending[:],
            counters={name: counter.copy() for name, counter in self.counters.items()},
            groups=self.groups.copy(),
            held=self.held.copy(),
            adjusted=self.adjusted,
            card=self.card,
        )


@dataclass(slots=True, kw_only=True)
class LeadState:
    """All scorecards of one lead, its traits as far as rules look at them, and how far the log is folded."""

    cards: dict[str, CardState]
    traits: dict[str, Any] = field(default_factory=dict)
    trait_keys: frozenset[str] = frozenset()
    applied: tuple[datetime, str] | None = None
    version: int | None = None
    newest: int = 0


def initial_state(timeline: Timeline) -> LeadState:
    """Return the state of a lead to which nothing has happened."""
    return LeadState(
        cards={card.name: CardState.untouched(card) for card in timeline.latest.cards},
        trait_keys=timeline.trait_keys,
        newest=timeline.latest.number,
    )


def position(state: LeadState) -> tuple[datetime, str] | None:
    """Return the place in the log up to which the state is folded; what is not strictly after it is late.

    It is that of the last event, or of a later fading or expiry, which an event before it would precede.
    """
    return state.applied


def fits(timeline: Timeline, state: LeadState) -> bool:
    """Return whether the state may be folded on under a timeline; if not, fold the lead from the log.

    It may not when a version published since changes the past, or when its rules look at traits that the
    state was not told to remember.
    """
    if not timeline.trait_keys <= state.trait_keys:
        return False
    return state.applied is None or timeline.at(state.applied[0]).number == state.version


def dump_state(state: LeadState) -> dict[str, Any]:
    """Return the state as a compact JSON-able tree."""
    tree: dict[str, Any] = {
        "cards": {name: _dump_card(card) for name, card in state.cards.items() if card.version is not None},
        "newest": state.newest,
    }
    if state.traits:
        tree["traits"] = state.traits
    if state.trait_keys:
        tree["traitKeys"] = sorted(state.trait_keys)
    if state.applied is not None:
        tree["applied"] = [_write(state.applied[0]), state.applied[1]]
        tree["version"] = state.version
    return tree


def load_state(timeline: Timeline, data: Mapping[str, Any]) -> LeadState:
    """Return the state that dump_state wrote."""
    cards = {card.name: CardState.untouched(card) for card in timeline.latest.cards}
    cards |= {name: _load_card(timeline, name, card) for name, card in data["cards"].items()}
    applied = data.get("applied")
    return LeadState(
        cards=cards,
        traits=dict(data.get("traits", {})),
        trait_keys=frozenset(data.get("traitKeys", ())),
        applied=None if applied is None else (_read(applied[0]), applied[1]),
        version=data.get("version"),
        newest=timeline.latest.number,
    )


def _write(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _dump_card(card: CardState) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "score": card.hundredths,
        "stage": card.stage,
        "next": card.sequence,
        "version": card.version,
    }
    if card.anchor_at is not None:
        tree["anchor"] = [card.anchor, card.residue, _write(card.anchor_at)]
    if card.pending:
        tree["pending"] = [[_write(item.due), *item[1:]] for item in card.pending]
    if card.counters:
        tree["counters"] = {name: counter.dump() for name, counter in card.counters.items()}
    for name in ("groups", "held", "adjusted"):
        if getattr(card, name):
            tree[name] = getattr(card, name)
    return tree


def _load_card(timeline: Timeline, name: str, tree: Mapping[str, Any]) -> CardState:
    anchor, residue, anchor_at = tree.get("anchor", (0, 0.0, None))
    ruleset = timeline.by_number(tree["version"])
    return CardState(
        name=name,
        hundredths=tree["score"],
        stage=tree["stage"],
        sequence=tree["next"],
        version=tree["version"],
        anchor=anchor,
        residue=residue,
        anchor_at=None if anchor_at is None else _read(anchor_at),
        pending=[Pending(_read(due), *rest) for due, *rest in tree.get("pending", ())],
        counters={rule: Counter.load(counter) for rule, counter in tree.get("counters", {}).items()},
        groups=dict(tree.get("groups", {})),
        held=dict(tree.get("held", {})),
        adjusted=tree.get("adjusted", 0),
        card=None if ruleset is None else ruleset.by_name.get(name),
    )
