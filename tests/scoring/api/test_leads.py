"""`/api/leads`: list, create, look at and change leads."""

import itertools
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from ingest.models import Event, Lead, Project
from scoring.services.scores import open_scores
from tests.builders import Caller, caller_of, drain_all, make_lead, make_member, make_project, problem_of

pytestmark = pytest.mark.django_db

NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def names(caller: Caller, path: str) -> list[str]:
    return [lead["name"] for lead in caller.get(path).json()["results"]]


# --- Create --------------------------------------------------------------------------------------------------------


def test_a_lead_is_created_and_shown(caller: Caller) -> None:
    answer = caller.post("/api/leads", {"name": "Ada", "email": "ADA@example.com", "traits": {"plan": "pro"}})

    assert answer.status_code == 201
    lead = answer.json()
    assert (lead["name"], lead["email"], lead["company"], lead["owner"]) == ("Ada", "ada@example.com", None, None)
    assert (lead["currentScore"], lead["leadStage"]) == (0, "cold")
    assert (lead["eventsLast24h"], lead["lastEventAt"]) == (0, None)
    assert lead["traits"]["plan"] == "pro"
    assert caller.get(f"/api/leads/{lead['id']}").json() == lead


@pytest.mark.parametrize("field", ["email", "userId", "anonymousId"])
def test_an_identifier_that_is_taken_is_409_with_the_lead_it_belongs_to(caller: Caller, field: str) -> None:
    lead_id = caller.post("/api/leads", {field: "ada@example.com"}).json()["id"]

    problem = problem_of(caller.post("/api/leads", {field: "ada@example.com", "name": "Eve"}))

    assert (problem["status"], problem["code"], problem["leadId"]) == (409, "lead_exists", lead_id)
    assert problem["errors"][0]["pointer"] == f"/{field}"
    assert Lead.objects.get().name == ""


def test_an_address_is_taken_however_it_is_spelled_and_wherever_it_stands(caller: Caller) -> None:
    caller.post("/api/leads", {"email": "ada@example.com"})

    for body in ({"email": " ADA@Example.com"}, {"traits": {"email": "ada@example.com"}}):
        assert problem_of(caller.post("/api/leads", body))["code"] == "lead_exists"


def test_an_identifier_of_a_person_who_sent_an_event_is_taken(caller: Caller) -> None:
    lead_id = caller.track(userId="7").json()["leadId"]

    assert problem_of(caller.post("/api/leads", {"userId": "7"}))["leadId"] == lead_id


def test_several_leads_without_any_identifier_are_fine(caller: Caller) -> None:
    answers = [caller.post("/api/leads", {"name": "Ada"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201] * 3


def test_what_another_project_has_is_free_here(caller: Caller) -> None:
    caller_of(make_project("Theirs")).post("/api/leads", {"email": "ada@example.com"})

    assert caller.post("/api/leads", {"email": "ada@example.com"}).status_code == 201


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"name": 5}', b'{"currentScore": 5}', b'{"email": "x"}', b'{"traits": 5}']
)
def test_what_is_no_lead_is_400_and_creates_none(caller: Caller, body: bytes) -> None:
    assert problem_of(caller.post("/api/leads", body))["status"] == 400
    assert not Lead.objects.exists()


def test_a_description_beyond_32_kilobytes_is_413(caller: Caller) -> None:
    assert problem_of(caller.post("/api/leads", b"{}".ljust(32 * 1024 + 1)))["status"] == 413


# --- Change --------------------------------------------------------------------------------------------------------


def test_what_is_given_changes_and_the_rest_stays(caller: Caller) -> None:
    lead_id = caller.post("/api/leads", {"name": "Ada", "company": "Engines", "email": "ada@example.com"}).json()["id"]

    lead = caller.patch(f"/api/leads/{lead_id}", {"company": "Looms", "traits": {"plan": "pro"}}).json()

    assert (lead["name"], lead["company"], lead["email"]) == ("Ada", "Looms", "ada@example.com")
    assert lead["traits"] == {"name": "Ada", "company": "Looms", "email": "ada@example.com", "plan": "pro"}


def test_what_is_null_is_forgotten(caller: Caller) -> None:
    lead_id = caller.post("/api/leads", {"name": "Ada", "email": "ada@example.com", "traits": {"a": 1}}).json()["id"]

    lead = caller.patch(f"/api/leads/{lead_id}", {"name": None, "email": None, "traits": {"a": None}}).json()

    assert (lead["name"], lead["email"], lead["traits"]) == (None, None, {})


def test_a_new_identifier_is_the_leads_own_from_then_on(caller: Caller) -> None:
    lead_id = caller.post("/api/leads", {}).json()["id"]

    assert caller.patch(f"/api/leads/{lead_id}", {"userId": "7"}).status_code == 200
    assert caller.track(userId="7").json()["leadId"] == lead_id
    assert caller.patch(f"/api/leads/{lead_id}", {"userId": "7"}).status_code == 200


def test_an_identifier_of_another_lead_is_409_also_beside_one_of_its_own(caller: Caller) -> None:
    other_id = caller.post("/api/leads", {"email": "bob@example.com"}).json()["id"]
    lead_id = caller.post("/api/leads", {"userId": "1", "email": "ada@example.com"}).json()["id"]

    problem = problem_of(caller.patch(f"/api/leads/{lead_id}", {"userId": "1", "email": "bob@example.com"}))

    assert (problem["status"], problem["leadId"], problem["errors"][0]["pointer"]) == (409, other_id, "/email")
    assert caller.get(f"/api/leads/{lead_id}").json()["email"] == "ada@example.com"


def test_every_change_is_an_event_that_counts_as_no_activity(caller: Caller) -> None:
    lead_id = caller.post("/api/leads", {"name": "Ada"}).json()["id"]
    caller.patch(f"/api/leads/{lead_id}", {"name": "Ada L."})
    drain_all()

    assert list(Event.objects.order_by("id").values_list("kind", "event_type")) == [
        ("profile", "lead_created"),
        ("profile", "lead_updated"),
    ]
    lead = caller.get(f"/api/leads/{lead_id}").json()
    assert (lead["eventsLast24h"], lead["lastEventAt"], lead["currentScore"]) == (0, None, 0)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"name": 5}', b'{"leadStage": "hot"}', b'{"email": "x"}'])
def test_a_change_that_makes_no_sense_is_400(caller: Caller, body: bytes) -> None:
    lead_id = caller.post("/api/leads", {"name": "Ada"}).json()["id"]

    assert problem_of(caller.call("PATCH", f"/api/leads/{lead_id}", body))["status"] == 400
    assert Lead.objects.get().name == "Ada"


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("lead_id", [NOBODY, "x", "1", "%00", "%F0%9F%99%82", "..", "-", "a" * 3000, "%0A", "٣" * 32])
def test_a_lead_that_is_not_there_is_404(caller: Caller, method: str, lead_id: str) -> None:
    assert problem_of(caller.call(method, f"/api/leads/{lead_id}", {}))["status"] == 404


@pytest.mark.parametrize("part", ["", "/history", "/intelligence", "/explain", "/timeline"])
def test_another_projects_lead_is_like_one_that_is_not_there(caller: Caller, part: str) -> None:
    theirs = make_lead(make_project("Theirs"))

    there = problem_of(caller.get(f"/api/leads/{theirs.pk}{part}"))

    assert there == problem_of(caller.get(f"/api/leads/{NOBODY}{part}"))
    assert there["status"] == 404


def test_another_projects_lead_cannot_be_changed(caller: Caller) -> None:
    theirs = make_lead(make_project("Theirs"))

    assert problem_of(caller.patch(f"/api/leads/{theirs.pk}", {"name": "Mine"}))["status"] == 404
    assert Lead.objects.get().name == "Ada Lovelace"


# --- List ----------------------------------------------------------------------------------------------------------


def test_the_newest_lead_comes_first_unless_asked_otherwise(caller: Caller) -> None:
    for name in ("a", "b", "c"):
        caller.post("/api/leads", {"name": name, "userId": name})
    caller.track("signup", userId="b")
    caller.track("download", userId="a")
    drain_all()

    assert names(caller, "/api/leads") == ["c", "b", "a"]
    assert names(caller, "/api/leads?ordering=createdAt") == ["a", "b", "c"]
    assert names(caller, "/api/leads?ordering=-score") == ["b", "a", "c"]
    assert names(caller, "/api/leads?ordering=score") == ["c", "a", "b"]


@pytest.mark.parametrize("ordering", ["", "name", "score;drop", "-", "--score", "lead__project__name", "Score"])
def test_an_ordering_that_there_is_not_is_400(caller: Caller, ordering: str) -> None:
    assert problem_of(caller.get(f"/api/leads?ordering={ordering}"))["errors"][0]["pointer"] == "/ordering"


def test_leads_can_be_asked_for_by_stage_and_text(caller: Caller) -> None:
    caller.post("/api/leads", {"name": "Ada", "company": "Engines", "email": "ada@x.de", "userId": "1"})
    caller.post("/api/leads", {"name": "100%", "company": "A_B", "email": "bob@y.de"})
    caller.track("signup")
    drain_all()

    assert names(caller, "/api/leads?stage=warm") == ["Ada"]
    assert names(caller, "/api/leads?stage=nothing") == names(caller, "/api/leads?stage=WARM") == []
    for text, found in {"aDA": ["Ada"], "ENGIN": ["Ada"], "@y": ["100%"], "0%": ["100%"], "a_b": ["100%"]}.items():
        assert names(caller, f"/api/leads?q={quote(text)}") == found
    assert names(caller, "/api/leads?q=%25") == names(caller, "/api/leads?q=_") == ["100%"]
    assert names(caller, "/api/leads?q=") == ["100%", "Ada"]


@pytest.mark.parametrize("parameter", ["q", "stage"])
def test_a_nul_character_is_looked_for_as_if_it_were_not_there(caller: Caller, parameter: str) -> None:
    assert caller.get(f"/api/leads?{parameter}=a%00b").status_code == 200
    assert caller.get("/api/leaderboard?stage=%00").status_code == 200


@pytest.mark.parametrize("path", ["/api/leads?q=", "/api/leads?stage=", "/api/events?type=", "/api/leaderboard?stage="])
def test_a_text_that_nothing_can_contain_is_400(caller: Caller, path: str) -> None:
    assert problem_of(caller.get(path + "a" * 60_000))["status"] == 400


def test_text_that_is_no_unicode_finds_nothing(caller: Caller) -> None:
    assert names(caller, "/api/leads?q=%ff%fe") == []


def test_other_projects_leads_are_in_no_list(caller: Caller) -> None:
    theirs = caller_of(make_project("Theirs"))
    theirs.track("signup")
    drain_all()

    for path in ("/api/leads", "/api/leads?q=1", "/api/leads?stage=warm", "/api/leaderboard"):
        assert caller.get(path).json()["results"] == []
    assert caller.get("/api/analytics/overview").json()["leads"] == 0


def test_a_cursor_of_another_project_opens_nothing_of_it(caller: Caller) -> None:
    theirs = caller_of(make_project("Theirs"))
    for number in range(3):
        theirs.post("/api/leads", {"name": f"Their {number}"})
    caller.post("/api/leads", {"name": "Mine"})

    link = theirs.get("/api/leads?limit=1").json()["next"]

    assert set(names(caller, link)) <= {"Mine"}


# --- Pages ---------------------------------------------------------------------------------------------------------


def make_leads(project: Project, count: int) -> None:
    leads = Lead.objects.bulk_create(Lead(project=project, name=str(number)) for number in range(count))
    open_scores(project.pk, [lead.pk for lead in leads])


def walk(caller: Caller, path: str | None, direction: str) -> list[list[dict[str, Any]]]:
    pages = []
    while path is not None:
        answer = caller.get(path).json()
        pages.append(answer["results"])
        path = answer[direction]
    return pages


@pytest.mark.parametrize("ordering", ["-score", "score", "-createdAt", "createdAt"])
def test_a_thousand_equal_scores_are_each_seen_once_forwards_and_backwards(
    project: Project, caller: Caller, ordering: str
) -> None:
    make_leads(project, 1030)

    forwards = walk(caller, f"/api/leads?ordering={ordering}&limit=200", "next")
    last = f"/api/leads?ordering={ordering}&limit=200"
    for _ in forwards[1:]:
        last = caller.get(last).json()["next"]
    backwards = walk(caller, caller.get(last).json()["previous"], "previous")

    assert [len(page) for page in forwards] == [200] * 5 + [30]
    seen = [lead["id"] for page in forwards for lead in page]
    assert len(set(seen)) == 1030
    assert seen == sorted(seen, reverse=ordering.startswith("-"))
    assert backwards == forwards[-2::-1]


def test_a_lead_that_comes_while_somebody_turns_pages_hides_and_repeats_nobody(
    project: Project, caller: Caller
) -> None:
    make_leads(project, 4)
    first = caller.get("/api/leads?limit=2").json()
    make_leads(project, 3)

    second = caller.get(first["next"]).json()

    assert [lead["name"] for lead in first["results"] + second["results"]] == ["3", "2", "1", "0"]


def test_the_links_of_a_page_keep_what_was_asked_for(project: Project, caller: Caller) -> None:
    make_leads(project, 3)

    link = caller.get("/api/leads?limit=1&stage=cold&ordering=score").json()["next"]

    assert "limit=1" in link
    assert "stage=cold" in link
    assert "ordering=score" in link


def test_a_list_that_ends_with_a_full_page_has_no_next_one(project: Project, caller: Caller) -> None:
    make_leads(project, 4)

    second = caller.get(caller.get("/api/leads?limit=2").json()["next"]).json()

    assert (len(second["results"]), second["next"]) == (2, None)
    assert caller.get(second["previous"]).json()["previous"] is None


@pytest.mark.parametrize("path", ["/api/leads", "/api/leaderboard", "/api/events", "/api/rulesets"])
def test_a_limit_that_makes_no_sense_is_400(caller: Caller, path: str) -> None:
    for limit in ("0", "-1", "1.5", "x", "", "1e2", "٣", "+5", " 5", "9" * 5000, "%00", "5&limit=x"):
        problem = problem_of(caller.get(f"{path}?limit={limit}"))
        assert (problem["status"], problem["errors"][0]["pointer"]) == (400, "/limit"), limit


def test_a_limit_beyond_two_hundred_is_two_hundred(project: Project, caller: Caller) -> None:
    make_leads(project, 201)

    for path in ("/api/leads", "/api/leaderboard"):
        assert len(caller.get(f"{path}?limit=999999999").json()["results"]) == 200
        assert len(caller.get(path).json()["results"]) == 50


@pytest.mark.parametrize("size", [1, 40])
@pytest.mark.parametrize("ordering", ["-score", "-createdAt"])
def test_a_page_takes_six_queries_however_many_leads(
    project: Project, caller: Caller, django_assert_num_queries: DjangoAssertNumQueries, size: int, ordering: str
) -> None:
    make_leads(project, size)
    Lead.objects.update(owner=make_member(project, "sam"))
    caller.get("/api/leads")

    with django_assert_num_queries(6):
        caller.get(f"/api/leads?ordering={ordering}")


# --- Leaderboard, history, rules -----------------------------------------------------------------------------------


def test_the_leaderboard_ranks_by_score_and_equal_scores_share_a_rank(caller: Caller) -> None:
    for user, event_type in {"1": "signup", "2": "demo_request", "3": "signup", "4": "download"}.items():
        caller.track(event_type, userId=user, traits={"name": f"Lead {user}"})
    drain_all()

    ranked = caller.get("/api/leaderboard").json()["results"]
    assert [(row["rank"], row["name"], row["score"], row["stage"]) for row in ranked] == [
        (1, "Lead 2", 50, "hot"),
        (2, "Lead 1", 20, "warm"),
        (2, "Lead 3", 20, "warm"),
        (4, "Lead 4", 10, "cold"),
    ]
    hot = caller.get("/api/leaderboard?stage=warm&limit=1").json()["results"]
    assert [(row["rank"], row["name"]) for row in hot] == [(1, "Lead 1")]


@pytest.mark.parametrize("size", [1, 40])
def test_the_leaderboard_takes_three_queries_however_many_leads(
    project: Project, caller: Caller, django_assert_num_queries: DjangoAssertNumQueries, size: int
) -> None:
    make_leads(project, size)
    caller.get("/api/leaderboard")

    with django_assert_num_queries(3):
        caller.get("/api/leaderboard")


def test_history_is_in_the_order_in_which_things_happened_and_its_entries_chain(caller: Caller) -> None:
    for day, event_type in ((3, "signup"), (1, "download"), (2, "unsubscribe"), (4, "nothing")):
        lead_id = caller.track(event_type, timestamp=f"2026-01-0{day}T00:00:00Z").json()["leadId"]
        drain_all()

    entries = caller.get(f"/api/leads/{lead_id}/history").json()["results"]

    assert [(entry["eventType"], entry["delta"]) for entry in entries] == [
        ("download", 10),
        ("unsubscribe", -10),
        ("signup", 20),
    ]
    assert all(entry["newScore"] - entry["oldScore"] == entry["delta"] for entry in entries)
    assert all(before["newScore"] == after["oldScore"] for before, after in itertools.pairwise(entries))
    assert entries[-1]["newScore"] == caller.get(f"/api/leads/{lead_id}").json()["currentScore"]


def test_history_comes_in_pages_in_both_directions(caller: Caller) -> None:
    events = [{"eventType": "page_view", "userId": "1"}] * 7
    caller.post("/api/events/batch", {"events": events})
    drain_all()
    lead_id = Lead.objects.get().pk

    pages = walk(caller, f"/api/leads/{lead_id}/history?limit=3", "next")

    assert [entry["newScore"] for page in pages for entry in page] == [5, 10, 15, 20, 25, 30, 35]
    second = caller.get(caller.get(f"/api/leads/{lead_id}/history?limit=3").json()["next"]).json()
    assert caller.get(second["previous"]).json()["results"] == pages[0]


def test_the_rules_in_force_are_those_of_a_new_project(caller: Caller) -> None:
    (card,) = caller.get("/api/rules").json()["ruleset"]["scorecards"]

    points = {rule["event"]: rule["points"] for rule in card["rules"]}
    assert (points["page_view"], points["contract_signed"], points["unsubscribe"]) == (5, 100, -20)
    assert [version["version"] for version in caller.get("/api/rulesets").json()["results"]] == [1]


def test_events_by_event_time_say_how_busy_a_lead_was(caller: Caller) -> None:
    caller.track()
    caller.track(timestamp="2020-01-01T00:00:00Z")
    caller.track(timestamp=timezone.now().isoformat())
    drain_all()

    (lead,) = caller.get("/api/leads").json()["results"]
    assert lead["eventsLast24h"] == 2
