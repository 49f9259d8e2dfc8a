"""Firing events by hand: whom for, the firing itself, and watching what becomes of it."""

from datetime import datetime, timedelta
from typing import Any

from ingest import selectors as ingest
from ingest.core.events import Refused
from ingest.models import Lead, Project
from ingest.services import events, leads
from leadscore.dashboard import queries
from leadscore.dashboard.forms import FireForm
from leadscore.dashboard.values import LeadRow, standing_at
from scoring.core.timeline import Timeline
from scoring.selectors import lead_view

CANDIDATES = 6
STALLED_AFTER = timedelta(seconds=15)


def fire(project: Project, form: FireForm, *, now: datetime) -> Lead | None:
    """Record the events of a form and return their lead; or put the reason on the form and return None."""
    if not form.is_valid():
        return None
    lead = _new_lead(project, form, now=now) if form.is_new else _known_lead(project, form)
    if lead is None:
        return None
    for outcome in events.record(project.pk, form.events(lead.pk), now=now):
        if isinstance(outcome, Refused):
            form.add_error(None, outcome.detail)
            return None
    return lead


def _known_lead(project: Project, form: FireForm) -> Lead | None:
    lead = ingest.lead_of(project.pk, str(form.lead_id))
    if lead is None:
        form.add_error("lead", "This lead is not there any more. Choose another.")
    return lead


def _new_lead(project: Project, form: FireForm, *, now: datetime) -> Lead | None:
    try:
        created = leads.create_lead(project.pk, names=form.names, traits=form.traits, now=now)
    except Refused as refused:
        if refused.code != "suppressed":
            raise
        form.add_error("email", "This person was erased, or wants nothing stored of them: so nothing can be.")
        return None
    if isinstance(created, leads.NameTaken):
        form.add_error("email", "Another lead has this e-mail. Find it under “A lead”.")
        return None
    return ingest.lead_of(project.pk, created.lead_id)


def candidates(
    project: Project, text: str, *, chosen: Lead | None, but: Lead | None = None, timeline: Timeline, now: datetime
) -> tuple[LeadRow, ...]:
    """Return leads to choose from, `but` not this one: the chosen one, then those that match a search, by score."""
    limit = CANDIDATES + 1 if but else CANDIDATES
    found = queries.matching_leads(project, text, timeline=timeline, limit=limit, now=now)
    if but is not None:
        found = tuple(row for row in found if row.id != but.pk)[:CANDIDATES]
    if chosen is None:
        return found
    row = queries.lead_row(lead_view(chosen, now=now, timeline=timeline), scale=queries.scale_in(timeline))
    return (row, *(other for other in found if other.id != row.id))


def watch(lead: Lead, *, timeline: Timeline, now: datetime) -> dict[str, Any]:
    """Return what the watch card shows of a lead: its standing, and what became of its newest events."""
    scale = queries.scale_in(timeline)
    # Pending first: an event scored in between then shows as scored at worst one poll late, never as worth nothing.
    waiting = queries.pending_since(lead)
    view = lead_view(lead, now=now, timeline=timeline)
    return {
        "lead": lead,
        "scale": scale,
        "standing": standing_at(view.score, view.stage, scale=scale),
        "watched": queries.watched_events(lead, scale=scale),
        "pending": len(waiting),
        "stalled": bool(waiting) and now - waiting[0] > STALLED_AFTER,
    }
