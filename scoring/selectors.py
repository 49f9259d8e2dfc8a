"""Read what scoring stores. Every query starts from a project, or from leads of one.

Some take the project's `timeline`, from callers that have asked for it already; without it they ask themselves.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from ingest.models import Event, Lead
from ingest.pages import Page, page_of
from ingest.selectors import activity_counts
from scoring.core import engine
from scoring.core.grade import grade
from scoring.core.ruleset import Card, Ruleset
from scoring.core.timeline import Timeline
from scoring.models import DeadLetter, LeadScore, LeadState, LongRefold, PredictionReport, ScoreEntry
from scoring.timelines import timeline_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A lead's stored state, as `scoring.core.engine.dump_state` wrote it."""

    state: dict[str, Any]
    last_event_at: datetime | None
    next_change_at: datetime | None


def standings_of(lead_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Return the stored states of these leads; those that were never scored are left out."""
    rows = LeadState.objects.filter(lead__in=lead_ids).values_list("lead", "state", "last_event_at", "next_change_at")
    return {
        lead_id: Standing(state=state, last_event_at=last_event_at, next_change_at=next_change_at)
        for lead_id, state, last_event_at, next_change_at in rows
    }


def stages_of(lead_ids: Collection[UUID]) -> dict[tuple[UUID, str], str]:
    """Return the stage of each of these leads on each scorecard, `{(lead, scorecard): stage}`."""
    rows = LeadScore.objects.filter(lead__in=lead_ids).values_list("lead", "scorecard", "stage")
    return {(lead_id, scorecard): stage for lead_id, scorecard, stage in rows}


def standings_on_primary(project_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, tuple[Decimal, str]]:
    """Return the score and stage of each of these leads of a project on the primary scorecard."""
    scores = LeadScore.objects.filter(
        project=project_id, lead__in=lead_ids, scorecard=primary_scorecard(project_id).name
    )
    return {lead_id: (score, stage) for lead_id, score, stage in scores.values_list("lead", "score", "stage")}


def leads_fading(slots: Collection[int], *, now: datetime, limit: int) -> list[UUID]:
    """Return up to `limit` leads of these slots whose points fade or expire by now, the longest due first.

    Those that are to be folded anew are left to that: their stored states are of no use any more.
    """
    due = LeadState.objects.filter(next_change_at__lte=now, slot__in=slots)
    due = due.filter(lead__refold__isnull=True, lead__long_refold__isnull=True).order_by("next_change_at")
    return list(due.values_list("lead", flat=True)[:limit])


def leads_refolding(slots: Collection[int]) -> list[UUID]:
    """Return the leads of these slots whose long logs are being folded again, part by part."""
    return list(LongRefold.objects.filter(slot__in=slots).values_list("lead", flat=True))


def refolding_among(lead_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these leads whose long logs are being folded again."""
    return set(LongRefold.objects.filter(lead__in=lead_ids).values_list("lead", flat=True)) if lead_ids else set()


def slots_refolding(*, since: datetime) -> set[int]:
    """Return the slots of the leads whose long logs are being folded again and that have waited since `since`."""
    return set(LongRefold.objects.filter(due_at__lt=since).order_by().values_list("slot", flat=True).distinct())


def slots_fading(*, now: datetime) -> set[int]:
    """Return the slots of the leads whose points fade or expire by now."""
    return set(LeadState.objects.filter(next_change_at__lte=now).order_by().values_list("slot", flat=True).distinct())


# --- What people and programs look at -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CardScore:
    """Where a lead stands on one scorecard."""

    scorecard: str
    score: Decimal
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadView:
    """A lead as lists and pages show it. Its score and stage are those of the primary scorecard."""

    lead: Lead
    score: Decimal
    stage: str
    cards: tuple[CardScore, ...]
    grade: str | None
    events_last_24h: int
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A place on the leaderboard."""

    rank: int
    lead: Lead
    score: Decimal
    stage: str


def primary_scorecard(project_id: UUID) -> Card:
    """Return the scorecard that `currentScore` and `leadStage` show, as published."""
    return timeline_of(project_id).latest.primary


def scorecard_names(project_id: UUID) -> tuple[str, ...]:
    """Return the names of the scorecards in force, the primary one first."""
    return tuple(card.name for card in timeline_of(project_id).latest.cards)


LEAD_ORDERS = {
    "-score": ("-score", "-lead"),
    "score": ("score", "lead"),
    "-createdAt": ("-lead",),
    "createdAt": ("lead",),
}


def leads_page(
    project_id: UUID,
    *,
    stage: str | None = None,
    text: str | None = None,
    order: str = "-createdAt",
    cursor: str | None = None,
    limit: int = 50,
    now: datetime,
    timeline: Timeline | None = None,
) -> Page[LeadView]:
    """Return leads of a project, perhaps only those of a stage or whose name, e-mail or company contains `text`."""
    ruleset = (timeline or timeline_of(project_id)).latest
    scores = LeadScore.objects.filter(project=project_id, scorecard=ruleset.primary.name)
    if stage is not None:
        scores = scores.filter(stage=stage)
    if text:
        scores = scores.filter(
            Q(lead__name__icontains=text) | Q(lead__email__icontains=text) | Q(lead__company__icontains=text)
        )
    page = page_of(scores.select_related("lead__owner"), order=LEAD_ORDERS[order], cursor=cursor, limit=limit)
    last = _last_events([score.lead_id for score in page.rows])
    views = _views(page.rows, ruleset=ruleset, last=last, now=now)
    return Page(rows=views, next=page.next, previous=page.previous)


def lead_batches(
    project_id: UUID, *, stage: str | None, text: str | None, order: str, size: int, now: datetime
) -> Iterator[Sequence[LeadView]]:
    """Yield all leads that `leads_page` lists, in its order, so many at a time."""
    cursor = None
    while True:
        page = leads_page(project_id, stage=stage, text=text, order=order, cursor=cursor, limit=size, now=now)
        yield page.rows
        cursor = page.next
        if cursor is None:
            return


def lead_view(
    lead: Lead, *, now: datetime, timeline: Timeline | None = None, standing: Standing | None = None
) -> LeadView:
    """Return one lead as pages show it; `standing`, if it has been read already."""
    timeline = timeline or timeline_of(lead.project_id)
    last = _last_events([lead.pk]) if standing is None else {lead.pk: standing.last_event_at}
    return _views(_primary_scores([lead], timeline), ruleset=timeline.latest, last=last, now=now)[0]


def lead_views(leads: Sequence[Lead], *, timeline: Timeline, now: datetime) -> dict[UUID, LeadView]:
    """Return leads of one project as pages show them. A number of queries that does not depend on how many they are."""
    if not leads:
        return {}
    scores = _primary_scores(leads, timeline)
    last = _last_events([lead.pk for lead in leads])
    return {view.lead.pk: view for view in _views(scores, ruleset=timeline.latest, last=last, now=now)}


def _primary_scores(leads: Sequence[Lead], timeline: Timeline) -> list[LeadScore]:
    """Return where leads stand on the primary scorecard: at its start, where they never were scored."""
    name = timeline.latest.primary.name
    by_id = {lead.pk: lead for lead in leads}
    scores = {score.lead_id: score for score in LeadScore.objects.filter(lead__in=by_id, scorecard=name)}
    for lead_id, lead in by_id.items():
        if lead_id not in scores:
            start = engine.initial_state(timeline).cards[name]
            scores[lead_id] = LeadScore(lead=lead, scorecard=name, score=start.score, stage=start.stage)
        scores[lead_id].lead = lead
    return list(scores.values())


def _last_events(lead_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
    if not lead_ids:
        return {}
    return dict(LeadState.objects.filter(lead__in=lead_ids).values_list("lead", "last_event_at"))


def _views(
    scores: Sequence[LeadScore], *, ruleset: Ruleset, last: Mapping[UUID, datetime | None], now: datetime
) -> list[LeadView]:
    lead_ids = [score.lead_id for score in scores]
    cards = _cards_of(scores, ruleset)
    counts = activity_counts(lead_ids, now=now)
    return [
        LeadView(
            lead=score.lead,
            score=score.score,
            stage=score.stage,
            cards=cards[score.lead_id],
            grade=grade(ruleset, {card.scorecard: card.stage for card in cards[score.lead_id]}),
            events_last_24h=counts.get(score.lead_id, 0),
            last_event_at=last.get(score.lead_id),
        )
        for score in scores
    ]


def _cards_of(scores: Sequence[LeadScore], ruleset: Ruleset) -> dict[UUID, tuple[CardScore, ...]]:
    """Return where leads, given by their primary scores, stand on all scorecards, in the ruleset's order."""
    names = [card.name for card in ruleset.cards]
    found: Iterable[LeadScore] = scores
    if len(names) > 1:
        found = LeadScore.objects.filter(lead__in=[score.lead_id for score in scores], scorecard__in=names)
    cards: dict[UUID, dict[str, CardScore]] = {score.lead_id: {} for score in scores}
    for score in found:
        shown = CardScore(scorecard=score.scorecard, score=score.score, stage=score.stage)
        cards[score.lead_id][score.scorecard] = shown
    return {lead_id: tuple(own[name] for name in names if name in own) for lead_id, own in cards.items()}


def leaderboard(
    project_id: UUID, *, stage: str | None = None, limit: int = 50, timeline: Timeline | None = None
) -> list[Ranked]:
    """Return the leads with the highest scores. Leads with equal scores share a rank."""
    primary = (timeline or timeline_of(project_id)).latest.primary
    scores = LeadScore.objects.filter(project=project_id, scorecard=primary.name)
    if stage is not None:
        scores = scores.filter(stage=stage)
    ranked: list[Ranked] = []
    for place, score in enumerate(scores.select_related("lead").order_by("-score", "lead")[:limit], start=1):
        rank = ranked[-1].rank if ranked and ranked[-1].score == score.score else place
        ranked.append(Ranked(rank=rank, lead=score.lead, score=score.score, stage=score.stage))
    return ranked


def card_scores(lead_id: UUID) -> list[CardScore]:
    """Return where a lead stands on each scorecard."""
    rows = LeadScore.objects.filter(lead=lead_id).order_by("scorecard").values_list("scorecard", "score", "stage")
    return [CardScore(scorecard=scorecard, score=score, stage=stage) for scorecard, score, stage in rows]


def stage_counts(project_id: UUID, *, timeline: Timeline | None = None) -> list[tuple[str, int]]:
    """Return how many leads stand in each stage of the primary scorecard, the lowest stage first."""
    card = (timeline or timeline_of(project_id)).latest.primary
    counts = dict(
        LeadScore.objects.filter(project=project_id, scorecard=card.name)
        .order_by()
        .values_list("stage")
        .annotate(count=Count("pk"))
    )
    return [(name, counts.get(name, 0)) for name in card.stages.names]


def history_page(
    lead: Lead, *, scorecard: str | None = None, newest_first: bool = False, cursor: str | None = None, limit: int = 50
) -> Page[ScoreEntry]:
    """Return the score ledger of a lead on one scorecard (the primary one), in the order in which things happened."""
    name = scorecard or primary_scorecard(lead.project_id).name
    order = ("-sequence",) if newest_first else ("sequence",)
    return page_of(ScoreEntry.objects.filter(lead=lead, scorecard=name), order=order, cursor=cursor, limit=limit)


def entry_count(lead: Lead, *, scorecard: str) -> int:
    """Return how many entries a lead's ledger has: their places are numbered from 0 without gaps."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scorecard).order_by("-sequence")
    last = entries.values_list("sequence", flat=True).first()
    return 0 if last is None else last + 1


def first_step_at(lead: Lead, *, scorecard: str) -> datetime | None:
    """Return when a lead's score on a scorecard first moved, or could have."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scorecard).order_by("sequence")
    return entries.values_list("occurred_at", flat=True).first()


def adjustments_of(entries: Sequence[ScoreEntry]) -> dict[UUID | None, dict[str, Any]]:
    """Return what the log says of those of these entries that are adjustments, by the key of the event."""
    adjusting = [entry for entry in entries if entry.kind == ScoreEntry.Kind.ADJUSTMENT]
    keys = [entry.event_id for entry in adjusting if entry.event_id is not None]
    return dict(Event.objects.filter(pk__in=keys).values_list("pk", "properties")) if keys else {}


def dead_letter_count() -> int:
    """Return how many events are parked and wait for somebody's decision."""
    return DeadLetter.objects.filter(discarded=False).count()


def newest_prediction(
    project_id: UUID, *, scorecard: str | None = None, outcome: str | None = None
) -> PredictionReport | None:
    """Return the report that was asked for last, perhaps on a scorecard and an outcome."""
    reports = PredictionReport.objects.filter(project=project_id)
    if scorecard is not None:
        reports = reports.filter(scorecard=scorecard)
    if outcome is not None:
        reports = reports.filter(outcome=outcome)
    return reports.order_by("-id").first()
