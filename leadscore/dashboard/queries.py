"""What the pages read and no selector answers. Read-only; each query uses an index."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q

from automation.models import Automation, Run
from ingest import selectors as ingest
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Event, Lead, PendingEvent, Project
from ingest.pages import Page, page_of
from ingest.slots import slot_of
from leadscore.dashboard.forms import LeadFilters
from leadscore.dashboard.stages import StageScale, scale_of_card
from leadscore.dashboard.values import (
    AutomationRow,
    DeliveryRow,
    EntryRow,
    EventChoice,
    LeadRow,
    NewestEvent,
    RunRow,
    StageShare,
    Standing,
    WatchedEvent,
    standing_at,
)
from leadscore.templatetags.dashboard import direction, signed
from scoring.core.schema import RulesetSpec, ScorecardSpec
from scoring.models import LeadScore, LeadState, RulesetVersion, ScoreEntry

CHART_ENTRIES = 1_000
WATCHED_EVENTS = 20
LEADS_A_PAGE = 50


def scorecards_in_force(project_id: UUID) -> tuple[ScorecardSpec, ...]:
    """Return the scorecards of the newest published version, the primary one first; none before the first."""
    versions = RulesetVersion.objects.filter(project=project_id).order_by("-number")
    content = versions.values_list("content", flat=True).first()
    return RulesetSpec.model_validate(content).scorecards if content else ()


def scale_of(project_id: UUID, *, scorecard: str | None = None) -> StageScale:
    """Return the stages in force of a scorecard; of the primary one if none of that name is in force."""
    cards = scorecards_in_force(project_id)
    card = next((card for card in cards if card.name == scorecard), cards[0] if cards else None)
    return scale_of_card(card) if card else StageScale(scorecard="", stages=())


def write_token(project: Project) -> str | None:
    """Return the project's oldest active write key, for the snippet on the first-steps page."""
    keys = ApiKey.objects.filter(project=project, kind=KeyKind.WRITE.value, active=True).exclude(token="")
    return keys.order_by("created_at").values_list("token", flat=True).first()


def has_leads(project: Project) -> bool:
    """Return whether anything has ever been heard of anybody."""
    return Lead.objects.filter(project=project).exists()


def stage_shares(project: Project, *, scale: StageScale) -> tuple[StageShare, ...]:
    """Return the leads per stage, from the lowest to the highest; stages no ruleset knows any more last."""
    counts = dict(
        LeadScore.objects.filter(project=project, scorecard=scale.scorecard)
        .values_list("stage")
        .annotate(count=Count("pk"))
        .order_by()
    )
    known = [stage.name for stage in scale.stages]
    total = sum(counts.values())
    shares, x = [], 0.0
    for name in known + sorted(name for name in counts if name not in known):
        count = counts.get(name, 0)
        percent = 100 * count / total if total else 0.0
        shares.append(
            StageShare(stage=scale.mark(name), count=count, x=round(x, 3), percent=round(percent, 3))
        )
        x += percent
    return tuple(shares)


def top_leads(project: Project, *, scale: StageScale, stage: str, limit: int) -> tuple[LeadRow, ...]:
    """Return the leads with the highest scores, of one stage if it is given."""
    scores = LeadScore.objects.filter(project=project, scorecard=scale.scorecard)
    if stage:
        scores = scores.filter(stage=stage)
    found = scores.select_related("lead__owner", "lead__state").order_by("-score", "lead")[:limit]
    return tuple(lead_row(score, scale=scale) for score in found)


def matching_leads(project: Project, text: str, *, scale: StageScale, limit: int) -> tuple[LeadRow, ...]:
    """Return the leads whose name, e-mail or company holds `text`, the highest scores first."""
    scores = LeadScore.objects.filter(project=project, scorecard=scale.scorecard)
    if text:
        scores = scores.filter(
            Q(lead__name__icontains=text) | Q(lead__email__icontains=text) | Q(lead__company__icontains=text)
        )
    found = scores.select_related("lead__owner", "lead__state").order_by("-score", "lead")[:limit]
    return tuple(lead_row(score, scale=scale) for score in found)


def lead_row(score: LeadScore, *, scale: StageScale) -> LeadRow:
    """Return a score whose lead, owner and state are loaded as a row."""
    lead = score.lead
    state: LeadState | None = getattr(lead, "state", None)
    return LeadRow(
        id=lead.pk,
        label=lead.label,
        email=lead.email,
        company=lead.company,
        owner=str(lead.owner) if lead.owner else "",
        last_event_at=state.last_event_at if state else None,
        standing=standing_at(score.score, score.stage, scale=scale),
    )


def scores_of(lead: Lead) -> dict[str, LeadScore]:
    """Return a lead's scores by scorecard."""
    return {score.scorecard: score for score in LeadScore.objects.filter(lead=lead)}


def standing_of(score: LeadScore | None, *, scale: StageScale) -> Standing:
    """Return how to show a score; a lead not scored yet stands at the bottom."""
    lowest = scale.stages[0].name if scale.stages else ""
    return standing_at(score.score if score else Decimal(0), score.stage if score else lowest, scale=scale)


def row_of(lead: Lead, *, scale: StageScale) -> LeadRow:
    """Return one lead as a row."""
    score = scores_of(lead).get(scale.scorecard)
    return LeadRow(
        id=lead.pk,
        label=lead.label,
        email=lead.email,
        company=lead.company,
        owner=str(lead.owner) if lead.owner else "",
        last_event_at=last_event_at(lead),
        standing=standing_of(score, scale=scale),
    )


def last_event_at(lead: Lead) -> datetime | None:
    """Return when the lead's newest event occurred."""
    return LeadState.objects.filter(lead=lead).values_list("last_event_at", flat=True).first()


def entries_before(
    lead: Lead, sequence: int | None, *, scale: StageScale, limit: int
) -> tuple[EntryRow, ...]:
    """Return a page of a lead's ledger, newest first, from just before `sequence`."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scale.scorecard)
    if sequence is not None:
        entries = entries.filter(sequence__lt=sequence)
    return tuple(entry_row(entry, scale=scale) for entry in entries.order_by("-sequence")[:limit])


def entry_row(entry: ScoreEntry, *, scale: StageScale) -> EntryRow:
    """Return a ledger entry as a row."""
    return EntryRow(
        sequence=entry.sequence,
        kind=entry.kind,
        event_type=entry.event_type,
        event_key=entry.event_id,
        occurred_at=entry.occurred_at,
        delta=entry.delta,
        old_score=entry.old_score,
        new_score=entry.new_score,
        old_stage=scale.mark(entry.old_stage),
        new_stage=scale.mark(entry.new_stage),
        rules=tuple(entry.rules),
        ruleset_version=entry.ruleset_version,
    )


def entry_count(lead: Lead, *, scale: StageScale) -> int:
    """Return how many entries a lead's ledger has: their places are numbered from 0 without gaps."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scale.scorecard).order_by("-sequence")
    last = entries.values_list("sequence", flat=True).first()
    return 0 if last is None else last + 1


def score_steps(lead: Lead, *, scale: StageScale) -> list[tuple[datetime, Decimal, Decimal]]:
    """Return a lead's newest steps in time order: when, and the scores before and after."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scale.scorecard).order_by("-sequence")
    newest = list(entries.values_list("occurred_at", "old_score", "new_score")[:CHART_ENTRIES])
    return newest[::-1]


def pending_since(lead: Lead) -> list[datetime]:
    """Return since when each of a lead's events that is not scored yet has been waiting."""
    pending = PendingEvent.objects.filter(slot=slot_of(lead.pk), lead_id=lead.pk)
    return sorted(pending.values_list("event__received_at", flat=True))


def watched_events(lead: Lead, *, scale: StageScale) -> tuple[WatchedEvent, ...]:
    """Return a lead's newest events, each with its entry if it is scored and a rule met it. Three queries."""
    events = list(
        Event.objects.filter(lead=lead)
        .order_by("-occurred_at", "-pk")
        .only("event_type", "occurred_at", "received_at")[:WATCHED_EVENTS]
    )
    pending = set(
        PendingEvent.objects.filter(pk__in=[event.pk for event in events]).values_list("pk", flat=True)
    )
    # Entries of decay stand between those of events, hence more of them than events.
    entries = entries_before(lead, None, scale=scale, limit=3 * WATCHED_EVENTS)
    entry_of = {entry.event_key: entry for entry in entries}
    return tuple(
        WatchedEvent(
            id=event.pk,
            event_type=event.event_type,
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            pending=event.pk in pending,
            entry=entry_of.get(event.pk),
        )
        for event in events
    )


def event_choices(project: Project) -> tuple[EventChoice, ...]:
    """Return the event types that rules of the primary scorecard name, the most valuable first."""
    worth: dict[str, list[tuple[Decimal, str]]] = {}
    cards = scorecards_in_force(project.pk)
    for rule in cards[0].rules if cards else ():
        for event_type in (rule.event,) if isinstance(rule.event, str) else rule.event:
            if rule.active and event_type != "*":
                worth.setdefault(event_type, []).append((rule.points, rule.name))
    return tuple(
        EventChoice(
            event_type=event_type,
            worth=" / ".join(signed(points) for points, _ in rules),
            css=direction(max(points for points, _ in rules)),
            rules=", ".join(f"{name} {signed(points)}" for points, name in rules),
        )
        for event_type, rules in sorted(worth.items(), key=lambda item: -max(item[1])[0])
    )


def automations_of(project: Project) -> tuple[AutomationRow, ...]:
    """Return the project's automations in words, by name."""
    return tuple(
        AutomationRow(
            name=automation.name,
            when=_when(automation),
            actions=tuple(action.get_kind_display() for action in automation.actions.all()),
            active=automation.active,
        )
        for automation in Automation.objects.filter(project=project).prefetch_related("actions")
    )


def runs_page(project: Project, *, cursor: str | None, limit: int) -> Page[RunRow]:
    """Return the project's runs, newest first."""
    runs = (
        Run.objects.filter(project=project)
        .select_related("automation", "lead")
        .prefetch_related("deliveries")
    )
    page = page_of(runs, order=("-id",), cursor=cursor, limit=limit)
    return Page(rows=[run_row(run) for run in page.rows], next=page.next, previous=page.previous)


def runs_of(lead: Lead, *, limit: int) -> tuple[RunRow, ...]:
    """Return what automations did for a lead, newest first."""
    runs = Run.objects.filter(lead=lead).select_related("automation", "lead").prefetch_related("deliveries")
    return tuple(run_row(run) for run in runs.order_by("-id")[:limit])


def run_row(run: Run) -> RunRow:
    """Return a run whose automation, lead and deliveries are loaded as a row."""
    return RunRow(
        id=run.pk,
        automation=run.automation.name,
        lead_id=run.lead_id,
        lead_label=run.lead.label,
        why=run.crossing.replace(">", " → ") if run.crossing else str(run.facts.get("eventType", "event")),
        occurred_at=run.occurred_at,
        deliveries=tuple(
            DeliveryRow(
                kind=delivery.get_kind_display(),
                status=delivery.status,
                attempts=delivery.attempts,
                detail=delivery.detail,
            )
            for delivery in run.deliveries.all()
        ),
    )


def _when(automation: Automation) -> str:
    if automation.trigger == Automation.Trigger.EVENT:
        return f"When a lead has the event {automation.event_type}"
    old = f"from {automation.from_stage}" if automation.from_stage else "from any stage"
    new = f"to {automation.to_stage}" if automation.to_stage else "to any stage"
    return f"When a lead’s stage changes {old} {new}"


def newest_events(project: Project, *, limit: int) -> tuple[NewestEvent, ...]:
    """Return the events received last, newest first, with whose they are."""
    return tuple(
        NewestEvent(
            id=event.pk,
            event_type=event.event_type,
            received_at=event.received_at,
            lead_id=event.lead_id,
            lead_label=event.lead.label,
        )
        for event in ingest.newest_events(project.pk, limit=limit)
    )


def leads_page(project: Project, filters: LeadFilters, *, scale: StageScale) -> Page[LeadRow]:
    """Return a page of the leads that fit the filters."""
    scores = LeadScore.objects.filter(project=project, scorecard=scale.scorecard)
    if filters.stage:
        scores = scores.filter(stage=filters.stage)
    if filters.q:
        scores = scores.filter(
            Q(lead__name__icontains=filters.q)
            | Q(lead__email__icontains=filters.q)
            | Q(lead__company__icontains=filters.q)
        )
    orders = {"-score": ("-score", "lead"), "score": ("score", "lead")}
    page = page_of(
        scores.select_related("lead__owner", "lead__state"),
        order=orders.get(filters.ordering, ("-lead",)),
        cursor=filters.cursor,
        limit=LEADS_A_PAGE,
    )
    return page.map(lambda score: lead_row(score, scale=scale))
