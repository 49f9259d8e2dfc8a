"""`GET /api/automations/runs`: what fired, for whom, why, and whether it was delivered."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from automation.models import Run
from automation.services.deliveries import deliver_due
from automation.services.runs import record_runs
from ingest.core.keys import KeyKind
from ingest.models import Project
from ingest.services.keys import issue_key
from tests.automation.builders import make_automation, outcome_of_getting_hot
from tests.builders import make_lead, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.automation.urls")]


def get(project: Project, path: str, *, kind: KeyKind = KeyKind.SECRET) -> Any:
    _, key = issue_key(project.pk, kind)
    return Client().get(path, headers={"Authorization": f"Bearer {key.token}"})


def test_a_run_tells_what_fired_for_whom_why_and_what_came_of_it() -> None:
    lead = make_lead(make_project())
    automation = make_automation(lead.project, {"kind": "slack"})
    record_runs([outcome_of_getting_hot(lead)])
    deliver_due(seconds=30)

    response = get(lead.project, "/api/automations/runs")

    assert response.status_code == 200
    (run,) = response.json()["results"]
    assert (run["automation"], run["automationId"]) == ("Hot lead", str(automation.pk))
    assert (run["lead"], run["leadId"]) == ("Ada Lovelace", str(lead.pk))
    assert run["why"] == "cold → hot, by demo_request"
    assert run["facts"]["newScore"] == 55
    assert run["occurredAt"] == "2026-03-01T12:00:00Z"
    (delivery,) = run["deliveries"]
    assert (delivery["kind"], delivery["status"], delivery["attempts"]) == ("slack", "failed", 1)
    assert delivery["detail"] == "The action has no URL."


def test_runs_come_newest_first_a_page_at_a_time_in_both_directions() -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"})
    record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(5)])
    newest_first = [str(run_id) for run_id in Run.objects.order_by("-id").values_list("pk", flat=True)]

    first = get(project, "/api/automations/runs?limit=2").json()
    second = get(project, first["next"]).json()
    third = get(project, second["next"]).json()

    assert [[run["id"] for run in page["results"]] for page in (first, second, third)] == [
        newest_first[:2],
        newest_first[2:4],
        newest_first[4:],
    ]
    assert (first["previous"], third["next"]) == (None, None)
    assert get(project, second["previous"]).json()["results"] == first["results"]


def test_runs_can_be_asked_for_by_lead() -> None:
    project = make_project()
    make_automation(project)
    wanted, other = make_lead(project), make_lead(project, name="Other")
    record_runs([outcome_of_getting_hot(wanted), outcome_of_getting_hot(other)])

    response = get(project, f"/api/automations/runs?lead={wanted.pk}")

    assert [run["leadId"] for run in response.json()["results"]] == [str(wanted.pk)]


def test_another_projects_runs_and_leads_do_not_exist() -> None:
    theirs = make_lead(make_project("Theirs"))
    make_automation(theirs.project)
    record_runs([outcome_of_getting_hot(theirs)])
    mine = make_project("Mine")

    assert get(mine, "/api/automations/runs").json()["results"] == []
    assert get(mine, f"/api/automations/runs?lead={theirs.pk}").status_code == 404
    assert get(mine, f"/api/leads/{theirs.pk}/timeline").status_code == 404


@pytest.mark.parametrize("path", ["/api/automations/runs", "/api/leads/x/timeline"])
def test_a_write_key_reads_nothing(path: str) -> None:
    assert get(make_project(), path, kind=KeyKind.WRITE).status_code == 403


@pytest.mark.parametrize("path", ["/api/automations/runs", "/api/leads/x/timeline"])
def test_without_a_key_nothing_is_read(path: str) -> None:
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize("cursor", ["x", "e30", "WzAsIngiXQ", "🙂"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    response = get(make_project(), f"/api/automations/runs?cursor={cursor}")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/cursor")


@pytest.mark.parametrize("runs", [1, 30])
def test_a_page_takes_three_queries_however_many_runs(
    django_assert_num_queries: DjangoAssertNumQueries, runs: int
) -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"}, {"kind": "slack"})
    record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(runs)])
    _, key = issue_key(project.pk, KeyKind.SECRET)

    with django_assert_num_queries(3):
        Client().get("/api/automations/runs", headers={"Authorization": f"Bearer {key.token}"})
