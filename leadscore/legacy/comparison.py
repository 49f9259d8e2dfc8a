"""The original's scores beside ours, lead by lead, and why they can differ.

Ours follow from the events and the rules. Theirs were a running total, which repeats, crashes and changed rules moved.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count

from ingest.models import Event
from ingest.selectors import homes_of, members_of_leads, places_of_events
from leadscore.legacy.source import Source
from leadscore.legacy.transfer import BATCH, Past
from leadscore.legacy.translation import LegacyLead, LegacyProject, Skip, lead_event_id, lead_of
from scoring.core.points import in_words
from scoring.selectors import standings_on_primary


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A lead of the original: where it stood there, where it stands here, and what can explain a difference."""

    project: str
    lead: str
    old_score: Decimal | None
    new_score: Decimal
    old_stage: str
    new_stage: str
    reasons: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.old_score == self.new_score


def compare(source: Source, projects: Mapping[str, LegacyProject], pasts: Mapping[str, Past]) -> Iterator[Compared]:
    """Yield every lead that was taken over, in the order of the source."""
    batch: list[LegacyLead] = []
    for document in source.documents("leads"):
        lead = lead_of(document)
        if not isinstance(lead, Skip):
            batch.append(lead)
        if len(batch) == BATCH:
            yield from _compared(batch, projects, pasts)
            batch = []
    yield from _compared(batch, projects, pasts)


def _compared(
    leads: Sequence[LegacyLead], projects: Mapping[str, LegacyProject], pasts: Mapping[str, Past]
) -> Iterator[Compared]:
    names = {project.id: project.name for project in projects.values()}
    places = places_of_events(names.keys(), {lead_event_id(lead.oid) for lead in leads})
    homes = homes_of({lead_id for _, lead_id in places.values()})
    places = {key: (project_id, homes[lead_id].lead_id) for key, (project_id, lead_id) in places.items()}
    standings: dict[UUID, tuple[Decimal, str]] = {}
    for project_id in {project_id for project_id, _ in places.values()}:
        own = [lead_id for owner, lead_id in places.values() if owner == project_id]
        standings |= standings_on_primary(project_id, own)
    shared = _leads_in_one({lead_id for _, lead_id in places.values()})
    for lead in leads:
        place = places.get(lead_event_id(lead.oid))
        if place is None or place[1] not in standings:
            continue
        project_id, lead_id = place
        score, stage = standings[lead_id]
        yield Compared(
            project=names[project_id],
            lead=_label(lead),
            old_score=lead.score,
            new_score=score,
            old_stage=lead.stage,
            new_stage=stage,
            reasons=()
            if lead.score == score
            else reasons(lead.score, pasts.get(lead.oid) or Past(), leads_in_one=shared.get(lead_id, 1)),
        )


def reasons(old_score: Decimal | None, past: Past, *, leads_in_one: int) -> tuple[str, ...]:
    """Return in words what can have made an old score differ from what the lead's events give."""
    if old_score is None:
        return ("the original stored no score",)
    found = []
    if leads_in_one > 1:
        found.append(f"{leads_in_one} of the original's leads have the same identifier and are one lead here")
    if past.unscored:
        found.append(f"{_events(past.unscored, 'was', 'were')} stored but never scored there")
    if past.refused:
        found.append(f"{_events(past.refused)} could not be taken over")
    if past.steps and past.sum != old_score:
        found.append(f"its own history adds up to {in_words(past.sum)}")
    if past.steps > past.events:
        found.append(f"its history has {past.steps:,} rows for {_events(past.events)}")
    if not found:
        found.append("the rules were others when it was scored, or it was changed by hand")
    return tuple(found)


def _events(count: int, singular: str = "", plural: str = "") -> str:
    return f"1 event {singular}".rstrip() if count == 1 else f"{count:,} events {plural}".rstrip()


def _leads_in_one(lead_ids: set[UUID]) -> Counter[UUID]:
    """Return of how many of the original's leads each of these is made."""
    homes = members_of_leads(lead_ids)
    made = Event.objects.filter(lead__in=homes, kind=Event.Kind.PROFILE, event_id__startswith=lead_event_id(""))
    counts: Counter[UUID] = Counter()
    for lead_id, count in made.order_by().values_list("lead").annotate(count=Count("pk")):
        counts[homes[lead_id]] += count
    return counts


def _label(lead: LegacyLead) -> str:
    names = {name.kind: name.value for name in lead.event.names}
    return names.get("email") or names.get("user_id") or names.get("anonymous_id") or lead.oid
