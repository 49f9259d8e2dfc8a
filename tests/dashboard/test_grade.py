"""The lead page shows the grade where there is a scorecard on traits."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import User
from ingest.services.events import Recorded, record
from ingest.services.projects import add_member, create_project
from ingest.slots import SLOTS
from scoring.core.ruleset import parse_ruleset
from scoring.services.drain import drain
from scoring.services.publication import replace_and_publish

pytestmark = pytest.mark.django_db

ENGAGEMENT = {"name": "Engagement", "rules": [{"name": "Demo", "event": "demo_request", "points": 100}]}
FIT = {
    "name": "Fit",
    "basis": "traits",
    "stages": [{"name": "poor", "min": 0}, {"name": "good", "min": 20}],
    "rules": [{"name": "Boss", "when": {"field": "traits.title", "op": "eq", "value": "CEO"}, "points": 20}],
}


def test_a_lead_that_fits_and_engages_is_graded(client: Client) -> None:
    now = timezone.now()
    project = create_project("Acme", now=now)
    user = User.objects.create_user("ann")
    add_member(project.pk, user)
    client.force_login(user)
    spec = parse_ruleset({"scorecards": [ENGAGEMENT, FIT]})
    replace_and_publish(project.pk, spec, by=None, note="", applies_from=None, now=now)
    names = (Name("user_id", "ada"),)
    events = [
        IncomingEvent(event_type="demo_request", names=names),
        IncomingEvent(event_type="identify", names=names, traits={"title": "CEO"}),
    ]
    outcome = record(project.pk, events, now=now)[0]
    assert isinstance(outcome, Recorded)
    while drain(range(SLOTS), now=timezone.now()):
        pass

    page = client.get(reverse("lead_page", args=[project.pk, outcome.lead_id])).content.decode()

    assert "Grade A1" in page
