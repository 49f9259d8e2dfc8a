"""What the pages read and no selector answers. Read-only; every query starts from a project and uses a declared index."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import TruncMinute
from django.utils import timezone

from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Event, Identifier, Lead, PendingEvent, Project, User
from leadscore.dashboard.charts import Throughput
from leadscore.dashboard.stages import Ahead, RulerSegment, StageMark, StageScale, scale_from
from scoring.models import LeadScore, RulesetVersion, ScoreEntry

LIVE_MINUTES = 60
CHART_ENTRIES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a lead stands on one scorecard, as pages show it."""

    score: Decimal
    stage: StageMark
    ruler: tuple[RulerSegment, ...]
    ahead: Ahead | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """A lead in a list."""

    id: UUID
    label: str
    email: str
    company: str
    owner: str
    last_event_at: datetime | None
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShare:
    """How many leads are in a stage, and from where to where it reaches on a bar, in percent."""

    stage: StageMark
    count: int
    x: float
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestEvent:
    """A line of the event log with whose it is."""

    id: UUID
    event_type: str
    occurred_at: datetime
    received_at: datetime
    lead_id: UUID
    lead_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """A line of the score ledger with its reasons."""

    sequence: int
    kind: str
    event_type: str
    event_key: UUID | None
    client_event_id: str
    occurred_at: datetime
    delta: Decimal
    old_score: Decimal
    new_score: Decimal
    old_stage: StageMark
    new_stage: StageMark
    rules: tuple[dict[str, Any], ...]
    ruleset_version: int

    @property
    def crossed(self) -> bool:
        return self.old_stage.name != self.new_stage.name


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEvent:
    """An event of a lead and what became of it: pending, scored with an entry, or worth nothing."""

    id: UUID
    event_type: str
    occurred_at: datetime
    pending: bool
    entry: EntryRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChoice:
    """An event type some rule scores, and what for."""

    event_type: str
    name: str
    points: Decimal


def projects_of(user: User) -> list[Project]:
    """Return the projects a person is a member of, by name."""
    return list(Project.objects.filter(memberships__user=user).order_by("name", "id"))


def ruleset_in_force(project: Project) -> dict[str, Any]:
    """Return the tree of the newest published version, or an empty one before the first."""
    newest = RulesetVersion.objects.filter(project=project).order_by("-number").values_list("content", flat=True).first()
    return newest or {}


def scale_of(project: Project) -> StageScale:
    """Return the stages of the primary scorecard in force."""
    return scale_from(ruleset_in_force(project))


def standing(score: Decimal, stage: str, *, scale: StageScale) -> Standing:
    """Return how to show a score and its stage."""
    return Standing(score=score, stage=scale.mark(stage), ruler=scale.ruler(score), ahead=scale.ahead(score))


def write_token(project: Project) -> str | None:
    """Return the project's oldest active write key, for the snippet on the first-steps page."""
    return (
        ApiKey.objects.filter(project=project, kind=KeyKind.WRITE.value, active=True)
        .exclude(token="")
        .order_by("created_at")
        .values_list("token", flat=True)
        .first()
    )


def throughput(project: Project, *, now: datetime) -> Throughput:
    """Return the events received in each of the last 60 minutes, the running one included."""
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=LIVE_MINUTES - 1)
    counted = dict(
        Event.objects.filter(project=project, pk__gte=_floor_id(first), received_at__gte=first)
        .annotate(minute=TruncMinute("received_at", tzinfo=timezone.get_default_timezone()))
        .values_list("minute")
        .annotate(count=Count("pk"))
        .order_by()
    )
    minutes = (first + timedelta(minutes=place) for place in range(LIVE_MINUTES))
    return Throughput(minutes=tuple((minute, counted.get(minute, 0)) for minute in minutes))


def stage_shares(project: Project, *, scale: StageScale) -> tuple[StageShare, ...]:
    """Return the leads per stage, from the lowest stage to the highest; unknown stages come last."""
    counts = dict(
        LeadScore.objects.filter(project=project, scorecard=scale.scorecard)
        .values_list("stage")
        .annotate(count=Count("pk"))
        .order_by()
    )
    known = [stage.name for stage in scale.stages]
    names = known + sorted(name for name in counts if name not in known)
    total = sum(counts.values())
    shares, x = [], 0.0
    for name in names:
        percent = 100 * counts.get(name, 0) / total if total else 0.0
        shares.append(
            StageShare(stage=scale.mark(name), count=counts.get(name, 0), x=round(x, 3), percent=round(percent, 3))
        )
        x += percent
    return tuple(shares)


def newest_events(project: Project, *, limit: int) -> tuple[NewestEvent, ...]:
    """Return the events received last, newest first."""
    rows = Event.objects.filter(project=project).select_related("lead").order_by("-pk")[:limit]
    return tuple(
        NewestEvent(
            id=row.pk,
            event_type=row.event_type,
            occurred_at=row.occurred_at,
            received_at=row.received_at,
            lead_id=row.lead_id,
            lead_label=row.lead.label,
        )
        for row in rows.only(
            "event_type", "occurred_at", "received_at", "project", "lead__name", "lead__email"
        )
    )


def _floor_id(at: datetime) -> UUID:
    """Return the lowest UUIDv7 (RFC 9562) of a moment: ids at or after it were made since."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
