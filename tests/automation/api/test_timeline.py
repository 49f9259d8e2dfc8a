"""`GET /api/leads/{id}/timeline`: events, stage changes and automation runs together, newest first."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from automation.models import Automation
from automation.services.runs import record_runs
from ingest.core.keys import KeyKind
from ingest.models import Event, Lead
from ingest.services.keys import issue_key
from scoring.models import ScoreEntry
from scoring.selectors import primary_scorecard
from tests.automation.builders import crossing, make_automation, make_event, outcome
from tests.builders import T0, make_lead, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.automation.urls")]


def make_history(*, events: int) -> Lead:
    """Return a lead with so many events, every second of them at the same time as the one before it.

    Each changes the stage, which sets an automation off.
    """
    project = make_project()
    lead = make_lead(project)
    make_automation(project, {"kind": "assign"}, to_stage="")
    for number in range(events):
        cause = make_event(lead, f"event_{number}")
        occurred_at = T0 + timedelta(hours=number // 2)
        Event.objects.filter(pk=cause.key).update(occurred_at=occurred_at)
        cause = type(cause)(key=cause.key, event_type=cause.event_type, occurred_at=occurred_at)
        old, new = ("cold", "warm") if number % 2 == 0 else ("warm", "cold")
        ScoreEntry.objects.create(
            project=project,
            lead=lead,
            scorecard=primary_scorecard(project.pk).name,
            sequence=number,
            kind="event",
            event_id=cause.key,
            client_event_id="e",
            event_type=cause.event_type,
            occurred_at=occurred_at,
            delta=Decimal(1),
            old_score=Decimal(number),
            new_score=Decimal(number + 1),
            old_stage=old,
            new_stage=new,
            ruleset_version=1,
        )
        record_runs([outcome(lead, cause, crossings=(crossing(cause, old, new, number, number + 1),))])
    return lead


def reader(lead: Lead) -> Any:
    _, key = issue_key(lead.project_id, KeyKind.SECRET)
    return lambda path: Client().get(path, headers={"Authorization": f"Bearer {key.token}"})


def test_what_happened_at_one_instant_comes_as_consequence_before_cause() -> None:
    lead = make_history(events=1)

    response = reader(lead)(f"/api/leads/{lead.pk}/timeline")

    run, change, event = response.json()["results"]
    assert [run["kind"], change["kind"], event["kind"]] == ["automation_run", "stage_change", "event"]
    assert run["run"]["automation"] == "Hot lead"
    assert (change["oldStage"], change["newStage"], change["newScore"]) == ("cold", "warm", 1)
    assert event["eventType"] == "event_0"


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_its_pages_joined_are_the_whole_forwards_and_backwards(limit: int) -> None:
    lead = make_history(events=6)
    read = reader(lead)
    whole = read(f"/api/leads/{lead.pk}/timeline?limit=200").json()["results"]
    assert len(whole) == 18
    assert [each["occurredAt"] for each in whole] == sorted((each["occurredAt"] for each in whole), reverse=True)

    pages = [read(f"/api/leads/{lead.pk}/timeline?limit={limit}").json()]
    while pages[-1]["next"]:
        pages.append(read(pages[-1]["next"]).json())
    assert list(itertools.chain.from_iterable(page["results"] for page in pages)) == whole

    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(read(back[-1]["previous"]).json())
    assert list(itertools.chain.from_iterable(page["results"] for page in reversed(back))) == whole


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WzAsIDEsIDIsIDNd", "WzAsICIyMDI2LTAzLTAxIiwgMCwgIjAiXQ", "WzAsICJ4IiwgMCwgIjAiXQ"]
)
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    lead = make_history(events=0)

    response = reader(lead)(f"/api/leads/{lead.pk}/timeline?cursor={cursor}")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/cursor")


@pytest.mark.parametrize("events", [1, 20])
def test_a_page_takes_eight_queries_however_long_it_is(
    django_assert_num_queries: DjangoAssertNumQueries, events: int
) -> None:
    lead = make_history(events=events)
    read = reader(lead)

    with django_assert_num_queries(8):
        read(f"/api/leads/{lead.pk}/timeline")


def test_an_unknown_lead_is_not_found() -> None:
    lead = make_history(events=0)

    for wrong in [Automation().pk, "nobody"]:
        assert reader(lead)(f"/api/leads/{wrong}/timeline").status_code == 404
