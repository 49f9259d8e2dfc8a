"""GET /api/leads/duplicates."""

from typing import Any

import pytest

from ingest.core.keys import KeyKind
from ingest.models import Project
from tests.builders import Caller, caller_of, drain_all, make_project, problem_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def found(caller: Caller, query: str = "") -> dict[str, Any]:
    answer = caller.get(f"/api/leads/duplicates{query}")
    assert answer.status_code == 200
    return dict(answer.json())


def pair(caller: Caller, number: int) -> list[str]:
    events = [caller.track("demo_request", email=f"ada{number}+{tag}@example.org") for tag in ("a", "b")]
    return [event.json()["leadId"] for event in events]


def test_leads_that_may_be_one_are_listed_with_the_reason(caller: Caller) -> None:
    one, other = pair(caller, 1)
    drain_all()

    (suspicion,) = found(caller)["results"]

    assert suspicion.keys() == {"id", "inCommon", "since", "leads"}
    assert suspicion["inCommon"] == "email"
    assert suspicion["leads"] == [caller.get(f"/api/leads/{lead}").json() for lead in (one, other)]


def test_merging_them_ends_the_suspicion(caller: Caller) -> None:
    one, other = pair(caller, 1)

    assert caller.post(f"/api/leads/{one}/merge", {"otherId": other}).status_code == 200

    assert found(caller) == {"next": None, "previous": None, "results": []}


def test_leads_that_were_never_scored_are_listed_too(caller: Caller) -> None:
    pair(caller, 1)

    (suspicion,) = found(caller)["results"]
    assert [lead["currentScore"] for lead in suspicion["leads"]] == [0, 0]


def test_the_list_is_paged_by_cursor(caller: Caller, django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        pair(caller, number)

    with django_assert_max_num_queries(11):
        first = found(caller, "?limit=3")
    second = caller.get(first["next"].removeprefix("http://testserver")).json()

    ids = [row["id"] for page in (first, second) for row in page["results"]]
    assert len(set(ids)) == 5
    assert ids == sorted(ids, reverse=True)
    assert second["next"] is None
    assert problem_of(caller.get("/api/leads/duplicates?cursor=x"))["status"] == 400


def test_another_project_and_a_write_key_see_nothing(caller: Caller, project: Project) -> None:
    pair(caller, 1)

    assert found(caller_of(make_project("Others")))["results"] == []
    assert problem_of(caller_of(project, KeyKind.WRITE).get("/api/leads/duplicates"))["status"] == 403
    assert caller.get("/api/leads/duplicates/").status_code == 200
