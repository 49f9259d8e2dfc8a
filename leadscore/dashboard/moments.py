"""A lead's page at a moment: as it is now, or as it was, with the slider that leads from one to the other."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ingest.core.events import parse_moment
from ingest.models import Lead
from ingest.pages import Page
from leadscore.dashboard.stages import StageScale
from leadscore.templatetags.dashboard import signed
from scoring import past
from scoring import selectors as scoring
from scoring.core.explain import Explanation, by_cause, outlook
from scoring.core.timeline import Timeline
from scoring.insight import explanation_of, explanation_then, ledger_page
from scoring.models import ScoreEntry
from scoring.past import Moment
from scoring.selectors import LeadView

ENTRIES_A_PAGE = 25
REASONS_SHOWN = 8
MOST_EXPLAINED = 500  # longer ledgers are told entry by entry only: this page is drawn every few seconds
NOTCHES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a lead's page shows of one scorecard at a moment. `why` and `next` are sentences."""

    view: LeadView
    score: Decimal
    stage: str
    history: Page[ScoreEntry]
    entry_total: int
    why: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A range of seconds since 1970, from a lead's first step to now, in notches that arrow keys move by."""

    least: int
    most: int
    step: int
    value: int


def read_moment(text: str | None, *, now: datetime) -> datetime | None:
    """Return the moment in the past that an address names in seconds or as RFC 3339; None for now and for nonsense."""
    if not text:
        return None
    try:
        at = datetime.fromtimestamp(int(text), UTC) if text.isdigit() and text.isascii() else parse_moment(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at < _minute(now) else None


def slider(first: datetime | None, *, at: datetime | None, now: datetime) -> Slider | None:
    """Return the slider of a lead whose first step was at `first`; without one there is nothing to look back to."""
    most = int(_minute(now).timestamp())
    if first is None or first.timestamp() >= most:
        return None
    step = -(-(most - int(first.timestamp())) // NOTCHES)
    value = most if at is None else min(int(at.timestamp()), most)
    return Slider(least=most - step * NOTCHES, most=most, step=step, value=value)


def seen(
    lead: Lead, *, timeline: Timeline, scale: StageScale, cursor: str | None, at: datetime | None, now: datetime
) -> Seen:
    """Return a scorecard of a lead now, or as it was `at` a moment; raises `CursorInvalid`."""
    if at is None:
        return _now(lead, timeline, scale, cursor, now=now)
    return _then(lead, timeline, scale, cursor, at=at, now=now)


def _now(lead: Lead, timeline: Timeline, scale: StageScale, cursor: str | None, *, now: datetime) -> Seen:
    view, state = past.standing_now(lead, now=now, timeline=timeline)
    name = scale.scorecard
    history = scoring.history_page(lead, scorecard=name, newest_first=True, cursor=cursor, limit=ENTRIES_A_PAGE)
    total = _entry_count(lead, history, scorecard=name)
    shown = next((card for card in view.cards if card.scorecard == name), None)
    told = None
    if total <= MOST_EXPLAINED:
        told = explanation_of(lead, Moment(now=now), scorecard=name, timeline=timeline)
    return Seen(
        view=view,
        score=shown.score if shown else view.score,
        stage=shown.stage if shown else view.stage,
        history=history,
        entry_total=total,
        why=() if told is None else _reasons(told, now=now),
        next=outlook(now=now, timeline=timeline, state=state, scorecard=name),
    )


def _then(
    lead: Lead, timeline: Timeline, scale: StageScale, cursor: str | None, *, at: datetime, now: datetime
) -> Seen:
    then = past.lead_then(lead, Moment(now=now, as_of=at), timeline=timeline)
    told = explanation_then(then, scorecard=scale.scorecard)
    return Seen(
        view=past.view_then(then),
        score=told.score,
        stage=told.stage,
        history=ledger_page(then, scale.scorecard, newest_first=True, cursor=cursor, limit=ENTRIES_A_PAGE),
        entry_total=sum(entry.scorecard == scale.scorecard for entry in then.entries),
        why=_reasons(told, now=at),
        next=told.next,
    )


def _entry_count(lead: Lead, newest_first: Page[ScoreEntry], *, scorecard: str) -> int:
    """Return how many entries a ledger has; its first page tells, because their places are numbered without gaps."""
    if newest_first.rows and newest_first.previous is None:
        return newest_first.rows[0].sequence + 1
    return scoring.entry_count(lead, scorecard=scorecard)


def _reasons(told: Explanation, *, now: datetime) -> tuple[str, ...]:
    """Return what matters most, and the sum of the rest, so that together they are the score."""
    causes = by_cause(told.contributions, now=now)
    sentences = [sentence for _, sentence in causes[:REASONS_SHOWN]]
    rest = [points for points, _ in causes[REASONS_SHOWN:]]
    if rest:
        sentences.append(
            f"{signed(sum(rest, Decimal(0)))} from {len(rest):,} other reason{'s' if len(rest) > 1 else ''}"
        )
    return tuple(sentences)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
