"""What the pages show, from the selectors of the apps and a few reads of their own. Each query uses an index."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ingest import selectors as ingest
from ingest.core.keys import KeyKind
from ingest.merge_history import sentences
from ingest.models import ApiKey, Event, Lead, PendingEvent, Project, Verdict
from ingest.pages import Page
from ingest.selectors import members_of
from ingest.slots import slot_of
from leadscore.dashboard.forms import LeadFilters
from leadscore.dashboard.stages import StageScale, scale_of_card
from leadscore.dashboard.values import (
    EntryRow,
    EventChoice,
    ExcludedEvent,
    LeadRow,
    NewestEvent,
    RankedRow,
    StageShare,
    WatchedEvent,
    standing_at,
)
from leadscore.templatetags.dashboard import direction, signed
from scoring import selectors as scoring
from scoring.core.points import to_points
from scoring.core.timeline import Timeline
from scoring.models import ScoreEntry, Walk
from scoring.selectors import LeadView
from scoring.services.walks import preview_timeline
from scoring.timelines import timeline_of

CHART_ENTRIES = 1_000
WATCHED_EVENTS = 20
LEADS_A_PAGE = 50


def scale_in(timeline: Timeline, *, scorecard: str | None = None) -> StageScale:
    """Return the stages in force of a scorecard; of the primary one if none of that name is in force."""
    ruleset = timeline.latest
    return scale_of_card(ruleset.by_name.get(scorecard or "", ruleset.primary))


def scale_of(project_id: UUID) -> StageScale:
    """Return the stages in force of a project's primary scorecard."""
    return scale_in(timeline_of(project_id))


def scale_of_draft(preview: Walk) -> StageScale:
    """Return the stages of the primary scorecard of the draft that was previewed."""
    return scale_of_card(preview_timeline(preview).latest.primary)


def newest_version(project_id: UUID) -> int:
    """Return the number of the newest version of a project's rules."""
    return timeline_of(project_id).latest.number


def write_token(project: Project) -> str | None:
    """Return the project's oldest active write key, for the snippet on the first-steps page."""
    keys = ApiKey.objects.filter(project=project, kind=KeyKind.WRITE.value, active=True).exclude(token="")
    return keys.order_by("created_at").values_list("token", flat=True).first()


def has_leads(project: Project) -> bool:
    """Return whether anything has ever been heard of anybody."""
    return Lead.objects.filter(project=project).exists()


def newest_events(project: Project, *, limit: int) -> tuple[NewestEvent, ...]:
    """Return the events received last, newest first, with whose they are."""
    return _newest(project, ingest.newest_events(project.pk, limit=limit))


def newest_activity(project: Project, *, limit: int) -> tuple[NewestEvent, ...]:
    """Return the same of what leads did, without what people entered about them."""
    return _newest(project, ingest.newest_events(project.pk, limit=limit, kind=Event.Kind.ACTIVITY))


def _newest(project: Project, events: list[Event]) -> tuple[NewestEvent, ...]:
    told = sentences(project.pk, events)
    return tuple(
        NewestEvent(
            id=event.pk,
            event_type=event.event_type,
            received_at=event.received_at,
            lead_id=event.lead.survivor.pk if event.lead else None,
            lead_label=event.lead.survivor.label if event.lead else "",
            sentence=told.get(event.pk, ""),
            excluded=is_excluded(event),
        )
        for event in events
    )


def is_excluded(event: Event) -> bool:
    """Return whether an event, read with its verdict, does not count."""
    verdict = getattr(event, "verdict", None)
    return verdict is not None and verdict.excluded


def excluded_events(lead: Lead, *, limit: int) -> tuple[ExcludedEvent, ...]:
    """Return the newest events of a lead that do not count. One query."""
    page = ingest.events_page(lead.project_id, lead_id=lead.pk, excluded=True, limit=limit)
    return tuple(
        ExcludedEvent(
            id=event.pk,
            event_type=event.event_type,
            occurred_at=event.occurred_at,
            why=reason_of(event.verdict),
        )
        for event in page.rows
    )


def reason_of(verdict: Verdict) -> str:
    """Return in words why an event does not count."""
    if (ruling := verdict.ruling) is not None:
        return f"left out by {ruling.author_name}" + (f": {ruling.reason}" if ruling.reason else "")
    if verdict.found == Verdict.Found.BOT:
        return f"a bot ({verdict.detail})"
    return "security software that opened every link of a mail"


def stage_shares(project: Project, *, timeline: Timeline) -> tuple[StageShare, ...]:
    """Return the leads per stage, from the lowest to the highest."""
    scale = scale_in(timeline)
    counts = scoring.stage_counts(project.pk, timeline=timeline)
    total = sum(count for _, count in counts)
    shares, x = [], 0.0
    for name, count in counts:
        percent = 100 * count / total if total else 0.0
        shares.append(StageShare(stage=scale.mark(name), count=count, x=round(x, 3), percent=round(percent, 3)))
        x += percent
    return tuple(shares)


def top_leads(project: Project, *, timeline: Timeline, stage: str, limit: int) -> tuple[RankedRow, ...]:
    """Return the leads with the highest scores, of one stage if it is given."""
    scale = scale_in(timeline)
    return tuple(
        RankedRow(
            rank=ranked.rank,
            id=ranked.lead.pk,
            label=ranked.lead.label,
            email=ranked.lead.email,
            company=ranked.lead.company,
            standing=standing_at(ranked.score, ranked.stage, scale=scale),
        )
        for ranked in scoring.leaderboard(project.pk, stage=stage or None, limit=limit, timeline=timeline)
    )


def leads_page(project: Project, filters: LeadFilters, *, timeline: Timeline, now: datetime) -> Page[LeadRow]:
    """Return a page of the leads that fit the filters; raise `CursorInvalid`."""
    page = scoring.leads_page(
        project.pk,
        stage=filters.stage or None,
        text=filters.q or None,
        order=filters.ordering,
        cursor=filters.cursor,
        limit=LEADS_A_PAGE,
        now=now,
        timeline=timeline,
    )
    scale = scale_in(timeline)
    return page.map(lambda view: lead_row(view, scale=scale))


def matching_leads(
    project: Project, text: str, *, timeline: Timeline, limit: int, now: datetime
) -> tuple[LeadRow, ...]:
    """Return the leads whose name, e-mail or company holds `text`, the highest scores first."""
    scale = scale_in(timeline)
    page = scoring.leads_page(project.pk, text=text or None, order="-score", limit=limit, now=now, timeline=timeline)
    return tuple(lead_row(view, scale=scale) for view in page.rows)


def lead_row(view: LeadView, *, scale: StageScale) -> LeadRow:
    """Return a lead as a row of a list."""
    lead = view.lead
    return LeadRow(
        id=lead.pk,
        label=lead.label,
        email=lead.email,
        company=lead.company,
        owner=str(lead.owner) if lead.owner else "",
        last_event_at=view.last_event_at,
        standing=standing_at(view.score, view.stage, scale=scale),
    )


def entry_row(entry: ScoreEntry, *, scale: StageScale, said: Mapping[str, Any] | None = None) -> EntryRow:
    """Return a ledger entry as a row, with what an adjustment's author said of it."""
    return EntryRow(
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
        author=said["author"]["name"] if said else "",
        reason=said["reason"] if said else "",
    )


def score_steps(lead: Lead, *, scale: StageScale) -> list[tuple[datetime, Decimal, Decimal]]:
    """Return a lead's newest steps in time order: when, and the scores before and after."""
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scale.scorecard).order_by("-sequence")
    newest = list(entries.values_list("occurred_at", "old_score", "new_score")[:CHART_ENTRIES])
    return newest[::-1]


def first_step_at(
    lead: Lead, steps: Sequence[tuple[datetime, Decimal, Decimal]], *, scale: StageScale
) -> datetime | None:
    """Return when a lead's score first moved, or could have; `score_steps` tell unless there are more of them."""
    if len(steps) < CHART_ENTRIES:
        return steps[0][0] if steps else None
    return scoring.first_step_at(lead, scorecard=scale.scorecard)


def pending_since(lead: Lead) -> list[datetime]:
    """Return since when each of a lead's events that is not scored yet has been waiting."""
    pending = PendingEvent.objects.filter(slot=slot_of(lead.pk), lead_id=lead.pk)
    return sorted(pending.values_list("event__received_at", flat=True))


def watched_events(lead: Lead, *, scale: StageScale) -> tuple[WatchedEvent, ...]:
    """Return a lead's newest events, each with its entry if it is scored and a rule met it.

    Four queries, six if there is a merge.
    """
    events = list(
        Event.objects.filter(lead__in=members_of(lead.pk))
        .order_by("-occurred_at", "-event_id")
        .select_related("verdict")
        .only("event_id", "kind", "event_type", "occurred_at", "lead", "properties", "verdict__excluded")[
            :WATCHED_EVENTS
        ]
    )
    told = sentences(lead.project_id, events)
    pending = set(PendingEvent.objects.filter(pk__in=[event.pk for event in events]).values_list("pk", flat=True))
    # Entries of decay stand between those of events, hence more of them than events.
    entries = ScoreEntry.objects.filter(lead=lead, scorecard=scale.scorecard).order_by("-sequence")
    entry_of = {entry.event_id: entry_row(entry, scale=scale) for entry in entries[: 3 * WATCHED_EVENTS]}
    return tuple(
        WatchedEvent(
            id=event.pk,
            event_type=event.event_type,
            sentence=told.get(event.pk, ""),
            is_profile=event.kind == Event.Kind.PROFILE,
            occurred_at=event.occurred_at,
            pending=event.pk in pending,
            excluded=is_excluded(event),
            entry=entry_of.get(event.pk),
        )
        for event in events
    )


def event_choices(timeline: Timeline) -> tuple[EventChoice, ...]:
    """Return the event types that rules of the primary scorecard name, the most valuable first."""
    worth: dict[str, list[tuple[Decimal, str]]] = {}
    for event_type, rules in timeline.latest.primary.by_type.items():
        worth[event_type] = [(to_points(rule.points), rule.name) for rule in rules if rule.name]
    return tuple(
        EventChoice(
            event_type=event_type,
            worth=" / ".join(signed(points) for points, _ in rules),
            css=direction(max(points for points, _ in rules)),
            rules=", ".join(f"{name} {signed(points)}" for points, name in rules),
        )
        for event_type, rules in sorted(worth.items(), key=lambda item: -max(item[1])[0])
    )
