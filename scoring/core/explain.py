"""Why a lead has the score it has, and what would change it: the ledger in words.

The contributions of a scorecard always sum to its score; what was refused is told apart, with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from scoring.core.cardfold import CardFold
from scoring.core.entry import Entry, Key, RuleHit
from scoring.core.points import ZERO, in_words, to_points
from scoring.core.ruleset import Card
from scoring.core.state import CardState, LeadState
from scoring.core.timeline import Timeline

MAX_LOOK_AHEAD = 20_000
NO_NOTES: "Mapping[Key, Note]" = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """Part of a score: what one event, expiry or adjustment did, or all fading together."""

    occurred_at: datetime | None
    points: Decimal
    kind: Literal["start", "event", "decay", "adjustment"]
    rules: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a rule would have given and did not, and why."""

    occurred_at: datetime
    rule: str
    points: Decimal
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a person said of an adjustment."""

    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One scorecard of a lead explained; `next` says what comes next, by itself or by the next event."""

    scorecard: str
    score: Decimal
    stage: str
    contributions: tuple[Contribution, ...]
    refused: tuple[Refusal, ...]
    next: tuple[str, ...]


def explain(
    entries: Sequence[Entry],
    *,
    now: datetime,
    timeline: Timeline,
    state: LeadState,
    scorecard: str | None = None,
    notes: Mapping[Key, Note] = NO_NOTES,
) -> Explanation:
    """Return why a scorecard (by default the primary one) stands where it does at `now`.

    `entries` is the lead's ledger up to `now`, `state` the state after it, `notes` those of its adjustments by the key
    of the event.
    """
    ruleset = timeline.at(now)
    name = scorecard if scorecard is not None else ruleset.primary.name
    mine = [entry for entry in entries if entry.scorecard == name]
    current = state.cards.get(name)
    if current is None:
        current = CardState.untouched(_any_card(timeline, name))
    card = ruleset.by_name.get(name)
    return Explanation(
        scorecard=name,
        score=current.score,
        stage=current.stage,
        contributions=tuple(_contributions(mine, current, now, notes)),
        refused=tuple(_refusals(mine, now)),
        next=() if card is None else tuple(_outlook(card, current, now=now, timeline=timeline)),
    )


def outlook(*, now: datetime, timeline: Timeline, state: LeadState, scorecard: str) -> tuple[str, ...]:
    """Return what comes next for a scorecard that stands at `state`, by itself or by the next event."""
    card, current = timeline.at(now).by_name.get(scorecard), state.cards.get(scorecard)
    return () if card is None or current is None else tuple(_outlook(card, current, now=now, timeline=timeline))


def _any_card(timeline: Timeline, name: str) -> Card:
    for _, ruleset in reversed(timeline.versions):
        if name in ruleset.by_name:
            return ruleset.by_name[name]
    raise ValueError(f"No version of the rules has a scorecard “{name}”.")


def _contributions(
    entries: Sequence[Entry], state: CardState, now: datetime, notes: Mapping[Key, Note]
) -> Iterable[Contribution]:
    start = entries[0].old_score if entries else state.score
    if start:
        yield Contribution(
            occurred_at=None,
            points=start,
            kind="start",
            rules=(),
            sentence=f"{in_words(start, sign=True)} where every lead starts",
        )
    faded, last = ZERO, None
    for entry in entries:
        if entry.kind == "decay" and not entry.rules:
            faded, last = faded + entry.delta, entry.occurred_at
        elif entry.delta:
            yield Contribution(
                occurred_at=entry.occurred_at,
                points=entry.delta,
                kind=entry.kind,
                rules=tuple(hit.name for hit in entry.rules),
                sentence=_sentence(entry, now, notes.get(entry.event_key)),
            )
    if faded:
        yield Contribution(
            occurred_at=last,
            points=faded,
            kind="decay",
            rules=(),
            sentence=f"{in_words(faded, sign=True)} faded with time",
        )


def by_cause(contributions: Iterable[Contribution], *, now: datetime) -> list[tuple[Decimal, str]]:
    """Return the same told shorter, the weightiest first, as (points, sentence): what the same rules gave is added up.

    They still sum to the score. Adjustments are told one by one, because each has its own reason.
    """
    causes: dict[tuple[object, ...], list[Contribution]] = {}
    for number, part in enumerate(contributions):
        apart = number if part.kind == "adjustment" else None
        causes.setdefault((part.kind, part.rules, apart), []).append(part)
    told = [(sum((part.points for part in parts), ZERO), _cause(parts, now)) for parts in causes.values()]
    return sorted(told, key=lambda cause: abs(cause[0]), reverse=True)


def _cause(parts: Sequence[Contribution], now: datetime) -> str:
    if len(parts) == 1:
        return parts[0].sentence
    what = in_words(sum((part.points for part in parts), ZERO), sign=True)
    last = max(part.occurred_at for part in parts if part.occurred_at is not None)
    verb = "expired, " if parts[0].kind == "decay" else ""
    return f"{what} {verb}{' and '.join(parts[0].rules)}, {len(parts):,} times, the last {_ago(now - last)}"


def _sentence(entry: Entry, now: datetime, note: Note | None) -> str:
    what = in_words(entry.delta, sign=True)
    ago = _ago(now - entry.occurred_at)
    if entry.kind == "adjustment":
        said = "" if note is None else f" by {note.author}: {note.reason}"
        return f"{what} adjusted by hand, {ago}{said}"
    counted = [hit for hit in entry.rules if hit.applied] or list(entry.rules)
    rules = " and ".join(f"‘{hit.name}’" for hit in counted)
    word = "rule" if len(counted) == 1 else "rules"
    if entry.kind == "decay":
        return f"{what} expired, {ago}, {word} {rules} v{entry.ruleset_version}"
    return f"{what} {_title(entry.event_type or '')}, {ago}, {word} {rules} v{entry.ruleset_version}"


def _refusals(entries: Iterable[Entry], now: datetime) -> Iterable[Refusal]:
    for entry in entries:
        for hit in entry.rules if entry.kind == "event" else ():
            if hit.refused is not None:
                yield Refusal(
                    occurred_at=entry.occurred_at,
                    rule=hit.name,
                    points=hit.points - hit.applied,
                    reason=hit.refused,
                    sentence=_refusal(hit, entry, now),
                )


def _refusal(hit: RuleHit, entry: Entry, now: datetime) -> str:
    counted = "nothing" if not hit.applied else f"only {in_words(hit.applied, sign=True)}"
    return (
        f"{counted} of {in_words(hit.points, sign=True)} for {_title(entry.event_type or '')}, "
        f"{_ago(now - entry.occurred_at)}: {hit.refused}"
    )


def _outlook(card: Card, state: CardState, *, now: datetime, timeline: Timeline) -> Iterable[str]:
    fall = _next_stage_change(state, timeline)
    if fall is not None:
        verb = "rises" if fall.delta > 0 else "falls"
        yield f"{verb} to {fall.new_stage} on {_date(fall.occurred_at, now)} if nothing happens"
    rank = card.stages.ranks.get(state.stage, 0)
    if rank + 1 == len(card.stages.names):
        return
    missing = card.stages.mins[rank + 1] - state.hundredths
    target = card.stages.names[rank + 1]
    yield f"{in_words(to_points(missing))} points to {target}"
    closest = _closest(card, missing)
    if closest is not None:
        yield f"one {closest} away from {target}"


def _next_stage_change(state: CardState, timeline: Timeline) -> Entry | None:
    """Return the entry that will change the stage if no event comes."""
    entries: list[Entry] = []
    work = CardFold(timeline, state.copy(), entries)
    for _ in range(MAX_LOOK_AHEAD):
        entries.clear()
        if work.first_change() is None:
            return None
        for entry in entries:
            if entry.new_stage != entry.old_stage:
                return entry
    return None


def _closest(card: Card, missing: int) -> str | None:
    """Return the event type that always gives at least `missing` points, with the fewest to spare."""
    enough = [
        (sum(rule.points for rule in rules), event_type)
        for event_type, rules in card.by_type.items()
        if all(rule.always and rule.plain for rule in rules)
    ]
    return min(((points, name) for points, name in enough if points >= missing > 0), default=(0, None))[1]


def _title(event_type: str) -> str:
    return event_type.replace("_", " ").capitalize()


def _ago(age: timedelta) -> str:
    if age < timedelta(minutes=1):
        return "just now"
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(age.total_seconds() // size)
        if count:
            return f"{count:,} {unit} ago" if count == 1 else f"{count:,} {unit}s ago"
    return "just now"


def _date(moment: datetime, now: datetime) -> str:
    day = f"{moment.day} {moment:%B}"
    return day if moment.year == now.year else f"{day} {moment.year}"
