"""Automations fire once per crossing or event, inside the transaction that scores."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from automation.models import Automation, Delivery, Run
from automation.services.runs import record_runs
from scoring.signals import scored
from tests.automation.builders import crossing, make_automation, make_event, outcome, outcome_of_getting_hot
from tests.builders import make_lead, make_project

pytestmark = pytest.mark.django_db
TO_SLACK = {"kind": "slack", "url": "https://hooks.example.com/x"}


def test_a_stage_change_is_recorded_with_what_was_true_then() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK)

    scored.send(sender=None, outcomes=[outcome_of_getting_hot(lead)])

    run = Run.objects.get()
    assert (run.lead, run.crossing) == (lead, "cold>hot")
    assert run.facts == {
        "eventType": "demo_request",
        "oldScore": 5,
        "newScore": 55,
        "oldStage": "cold",
        "newStage": "hot",
        "occurredAt": "2026-03-01T12:00:00Z",
    }
    assert [delivery.status for delivery in run.deliveries.all()] == ["pending"]


def test_a_stage_change_the_automation_does_not_name_records_nothing() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK, to_stage="qualified")

    scored.send(sender=None, outcomes=[outcome_of_getting_hot(lead)])

    assert not Run.objects.exists()


def test_two_stages_crossed_in_one_batch_both_fire() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK, to_stage="")
    first, second = make_event(lead), make_event(lead)

    record_runs(
        [
            outcome(
                lead,
                first,
                second,
                crossings=(crossing(first, "cold", "warm", 0, 20), crossing(second, "warm", "hot", 20, 50)),
            )
        ]
    )

    assert sorted(Run.objects.values_list("crossing", flat=True)) == ["cold>warm", "warm>hot"]


def test_recording_a_batch_again_changes_nothing() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK, {"kind": "assign"})
    batch = [outcome_of_getting_hot(lead)]

    record_runs(batch)
    record_runs(batch)

    assert (Run.objects.count(), Delivery.objects.count()) == (1, 2)


def test_an_event_fires_once_for_every_occurrence() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK, trigger=Automation.Trigger.EVENT, event_type="contract_signed")
    events = [
        make_event(lead, "contract_signed"),
        make_event(lead, "page_view"),
        make_event(lead, "contract_signed"),
    ]

    record_runs([outcome(lead, *events)])

    assert Run.objects.count() == 2


def test_an_inactive_automation_does_not_fire() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK, active=False)

    record_runs([outcome_of_getting_hot(lead)])

    assert not Run.objects.exists()


def test_the_automations_of_another_project_do_not_fire() -> None:
    lead = make_lead(make_project())
    make_automation(make_project("Other"), TO_SLACK)

    record_runs([outcome_of_getting_hot(lead)])

    assert not Run.objects.exists()


def test_a_switched_off_action_gets_no_delivery_but_the_others_do() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, {**TO_SLACK, "active": False}, {"kind": "assign"})

    record_runs([outcome_of_getting_hot(lead)])

    assert list(Delivery.objects.values_list("kind", flat=True)) == ["assign"]


def test_deliveries_sort_by_the_order_of_the_actions() -> None:
    lead = make_lead(make_project())
    kinds = ["assign", "email", "slack", "webhook", "email", "slack"]
    make_automation(lead.project, *({"kind": kind} for kind in kinds))

    record_runs([outcome_of_getting_hot(lead)])

    assert list(Delivery.objects.order_by("due_at", "id").values_list("kind", flat=True)) == kinds


def test_what_is_recorded_goes_with_a_transaction_that_fails() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, TO_SLACK)
    batch = [outcome_of_getting_hot(lead)]

    with transaction.atomic():
        record_runs(batch)
        transaction.set_rollback(True)

    assert not Run.objects.exists()


def test_recording_takes_four_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    project = make_project()
    make_automation(project, TO_SLACK, {"kind": "assign"})
    batch = [outcome_of_getting_hot(make_lead(project))]

    with django_assert_num_queries(4):
        record_runs(batch)


def test_a_larger_batch_takes_no_more_statements() -> None:
    project = make_project()
    make_automation(project, TO_SLACK, {"kind": "assign"})
    counts = []

    for leads in (25, 75):  # both large enough to be copied where the database can
        batch = [outcome_of_getting_hot(make_lead(project)) for _ in range(leads)]
        with CaptureQueriesContext(connection) as statements:
            record_runs(batch)
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 10


def test_a_batch_that_sets_nothing_off_takes_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    project = make_project()
    make_automation(project, TO_SLACK, to_stage="qualified")
    batch = [outcome_of_getting_hot(make_lead(project)) for _ in range(40)]

    with django_assert_num_queries(1):
        record_runs(batch)
