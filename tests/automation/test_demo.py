"""The demo's automations work as they stand, and are made once."""

import pytest
from django.core import mail

from automation.models import Action, Automation
from automation.services.deliveries import deliver_due
from automation.services.demo import create_demo_automations
from automation.services.runs import record_runs
from tests.automation.builders import make_event, outcome, outcome_of_getting_hot
from tests.builders import make_lead, make_member, make_project

pytestmark = pytest.mark.django_db


def test_a_hot_lead_is_assigned_and_told_of() -> None:
    lead = make_lead(make_project())
    make_member(lead.project, "demo")
    create_demo_automations(lead.project_id, email="demo@example.com")
    record_runs([outcome_of_getting_hot(lead)])

    deliver_due(seconds=30)

    lead.refresh_from_db()
    assert lead.owner is not None
    assert lead.owner.username == "demo"
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["demo@example.com"], "Ada Lovelace is hot (55 points)")
    assert "It is demo's lead now." in message.body


def test_a_signed_contract_is_told_of() -> None:
    lead = make_lead(make_project())
    create_demo_automations(lead.project_id, email="demo@example.com")
    record_runs([outcome(lead, make_event(lead, "contract_signed"))])

    deliver_due(seconds=30)

    assert [message.subject for message in mail.outbox] == ["Ada Lovelace has signed"]


def test_making_them_again_changes_nothing() -> None:
    project = make_project()
    create_demo_automations(project.pk, email="demo@example.com")
    Action.objects.filter(kind="email").update(subject="Mine")

    create_demo_automations(project.pk, email="other@example.com")

    assert (Automation.objects.count(), Action.objects.count()) == (2, 3)
    assert set(Action.objects.filter(kind="email").values_list("subject", flat=True)) == {"Mine"}
