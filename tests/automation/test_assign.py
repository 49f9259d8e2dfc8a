"""Leads are given to members in turn, and owners keep theirs."""

from collections import Counter

import pytest

from automation.services.deliveries import deliver_due
from automation.services.runs import record_runs
from ingest.models import Lead
from tests.automation.builders import make_automation, make_due, only_delivery, outcome_of_getting_hot
from tests.builders import make_lead, make_member, make_project

pytestmark = pytest.mark.django_db


def test_members_take_turns() -> None:
    project = make_project()
    for name in ["ada", "grace", "joan"]:
        make_member(project, name)
    make_automation(project, {"kind": "assign"})
    record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(6)])

    deliver_due(seconds=30)

    assert Counter(Lead.objects.values_list("owner__username", flat=True)) == {
        "ada": 2,
        "grace": 2,
        "joan": 2,
    }


def test_a_lead_with_an_owner_keeps_it_and_nobody_loses_their_turn() -> None:
    lead = make_due({"kind": "assign"})
    lead.owner = make_member(lead.project, "ada")
    lead.save()
    grace = make_member(lead.project, "grace")

    deliver_due(seconds=30)

    lead.refresh_from_db()
    assert (lead.owner.username, only_delivery().detail) == ("ada", "ada already owns the lead.")
    assert grace.memberships.get().last_assigned_at is None


def test_members_who_take_no_leads_or_have_left_are_passed_over() -> None:
    lead = make_due({"kind": "assign"})
    make_member(lead.project, "ada", takes_leads=False)
    left = make_member(lead.project, "grace")
    left.is_active = False
    left.save()
    make_member(make_project("Other"), "mallory")

    deliver_due(seconds=30)

    assert only_delivery().status == "pending"
    assert only_delivery().detail == "No member of the project takes leads."
