"""Makes what the pages show, through the services that make it in real life."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Lead, Project, User
from ingest.services import events, leads, projects
from tests.builders import drain_all

PASSWORD = "correct horse battery"


def make_user(username: str = "dana") -> User:
    return User.objects.create_user(username, password=PASSWORD)


def make_project(*members: User, name: str = "Acme") -> Project:
    project = projects.create_project(name, now=timezone.now())
    for member in members:
        projects.add_member(project.pk, member)
    return project


def make_lead(project: Project, *, email: str = "", **traits: Any) -> Lead:
    names = [Name("email", email)] if email else []
    known = traits | ({"email": email} if email else {})
    created = leads.create_lead(project.pk, names=names, traits=known, now=timezone.now())
    assert isinstance(created, leads.LeadCreated), created
    return Lead.objects.get(pk=created.lead_id)


def track(lead: Lead, *event_types: str, at: datetime | None = None, **properties: Any) -> None:
    """Store events of a lead without scoring them."""
    happened = [
        IncomingEvent(event_type=event_type, lead_id=str(lead.pk), timestamp=at, properties=properties)
        for event_type in event_types
    ]
    events.record(lead.project_id, happened, now=timezone.now())


def score() -> None:
    """Score all that is pending, as the workers would."""
    drain_all()
