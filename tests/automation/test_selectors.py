"""What pages and metrics read of automations, in a fixed number of queries."""

import pytest
from pytest_django import DjangoAssertNumQueries

from automation import selectors
from automation.models import Automation
from automation.services.deliveries import deliver_due
from automation.services.runs import record_runs
from tests.automation.builders import make_automation, make_due, outcome_of_getting_hot
from tests.builders import make_lead, make_project

pytestmark = pytest.mark.django_db


def test_automations_are_told_in_words(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"}, {"kind": "email", "active": False}, direction="up")
    make_automation(project, name="Any", to_stage="", active=False)
    make_automation(project, name="Signed", trigger=Automation.Trigger.EVENT, event_type="contract_signed")

    with django_assert_num_queries(2):
        lines = selectors.automations_of(project.pk)

    assert [(line.name, line.when, line.actions, line.active) for line in lines] == [
        ("Any", "A lead's stage changes", (), False),
        ("Hot lead", "A lead's stage rises to hot", ("Assign to a member in turn",), True),
        ("Signed", "A lead has an event contract_signed", (), True),
    ]


@pytest.mark.parametrize("runs", [1, 10])
def test_the_runs_of_a_lead_take_three_queries(django_assert_num_queries: DjangoAssertNumQueries, runs: int) -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, {"kind": "assign"}, {"kind": "slack"})
    record_runs([outcome_of_getting_hot(lead) for _ in range(runs)])

    with django_assert_num_queries(3):
        found = selectors.runs_of_lead(lead.project_id, lead.pk)

    assert [len(run.deliveries) for run in found] == [2] * runs


def test_deliveries_are_counted_by_status(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_due({"kind": "slack"}, {"kind": "assign"})
    deliver_due(seconds=30)

    with django_assert_num_queries(1):
        assert selectors.delivery_counts() == {"pending": 1, "delivered": 0, "failed": 1}
