"""The whole way: an event is stored and scored, an automation fires in that transaction, its action is carried out."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from automation.models import Run
from automation.services.deliveries import deliver_due
from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Lead, Project
from ingest.services.events import record
from ingest.services.projects import create_project
from ingest.slots import SLOTS
from scoring.services.drain import drain
from scoring.services.rescore import rescore_leads
from tests.automation.builders import make_automation

pytestmark = pytest.mark.django_db
TELL_SALES = {"kind": "email", "recipients": "sales@example.com", "subject": "{lead} is {stage} with {score}"}


def make_watched_project() -> Project:
    project = create_project("Acme", now=timezone.now())
    make_automation(project, TELL_SALES)
    return project


def take_in(project: Project, *events: tuple[str, str, timedelta]) -> None:
    now = timezone.now()
    record(
        project.pk,
        [
            IncomingEvent(
                event_id=event_id,
                event_type=event_type,
                names=(Name("user_id", "ada"),),
                timestamp=now - ago,
                traits={"name": "Ada"},
            )
            for event_id, event_type, ago in events
        ],
        now=now,
    )
    while drain(range(SLOTS), now=timezone.now()):
        pass


def test_a_lead_that_gets_hot_is_told_of() -> None:
    project = make_watched_project()

    take_in(project, ("e1", "demo_request", timedelta()))
    deliver_due(seconds=30)

    assert [message.subject for message in mail.outbox] == ["Ada is hot with 50"]


def test_the_same_event_again_fires_nothing() -> None:
    project = make_watched_project()

    take_in(project, ("e1", "demo_request", timedelta()))
    take_in(project, ("e1", "demo_request", timedelta()))

    assert Run.objects.count() == 1


def test_a_late_event_that_only_moves_an_old_crossing_fires_nothing() -> None:
    project = make_watched_project()

    take_in(project, ("e2", "demo_request", timedelta(hours=1)))
    take_in(project, ("e1", "form_submit", timedelta(hours=2)))

    assert Run.objects.count() == 1


def test_a_rescore_fires_nothing() -> None:
    project = make_watched_project()
    take_in(project, ("e1", "demo_request", timedelta()))
    Run.objects.all().delete()

    rescore_leads(project.pk, [Lead.objects.get().pk], now=timezone.now())

    assert not Run.objects.exists()


def test_two_stages_crossed_in_one_batch_both_fire() -> None:
    project = make_watched_project()
    make_automation(project, TELL_SALES, name="Warm lead", to_stage="warm")

    take_in(project, ("e1", "signup", timedelta(hours=2)), ("e2", "demo_request", timedelta(hours=1)))

    assert sorted(Run.objects.values_list("crossing", flat=True)) == ["cold>warm", "warm>hot"]
