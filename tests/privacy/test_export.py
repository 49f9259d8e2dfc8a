"""A person's data to hand over: all of it, of all merged leads, as one JSON document."""

import json
from typing import Any

import pytest

from automation import personal_data
from ingest.core.keys import KeyKind
from ingest.models import Event, Lead, Merge, Project, RefusedName
from scoring.models import ScoreEntry
from tests.builders import Answer, Caller, caller_of, drain_all, make_key, make_member, make_project
from tests.privacy.build import STRINGS, make_grace

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def document(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200
    return dict(json.loads(b"".join(answer.streaming_content)))


def test_everything_that_is_known_is_in_it(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)
    drain_all()
    Lead.objects.update(owner=make_member(project, "ann"))

    found = document(caller.get(f"/api/leads/{lead_id}/export"))

    text = json.dumps(found)
    assert [string for string in STRINGS if string not in text] == ["203.0.113.9"]
    assert found["lead"]["id"] == lead_id
    assert found["lead"]["owner"]["name"] == "ann"
    assert set(found["ids"]) == {str(lead.pk) for lead in Lead.objects.all()}
    assert len(found["events"]) == Event.objects.count()
    assert len(found["scoreEntries"]) == ScoreEntry.objects.count()
    assert [change["newStage"] for change in found["stageHistory"]] == ["warm", "hot"]
    assert len(found["merges"]) == Merge.objects.count() == 1
    assert [adjustment["reason"] for adjustment in found["adjustments"]] == ["Grace Hopper called"]
    assert found["automationRuns"][0]["deliveries"][0]["kind"] == "email"
    times = [(event["occurredAt"], event["eventId"]) for event in found["events"]]
    assert times == sorted(times)


def test_any_id_of_the_person_gives_the_same_document(project: Project, caller: Caller) -> None:
    make_grace(caller, project)

    answers = [document(caller.get(f"/api/leads/{lead.pk}/export")) for lead in Lead.objects.all()]

    assert [answer | {"exportedAt": ""} for answer in answers] == [answers[0] | {"exportedAt": ""}] * 2


def test_a_name_that_was_refused_is_in_it(project: Project, caller: Caller) -> None:
    lead_id = caller.track("signup", userId="1", anonymousId="null").json()["leadId"]
    assert RefusedName.objects.exists()

    assert document(caller.get(f"/api/leads/{lead_id}/export"))["refusedNames"][0]["value"] == "null"


def test_more_than_a_piece_is_one_document(project: Project, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "_AT_ONCE", 3)
    for number in range(7):
        lead_id = caller.track(eventId=f"e{number}").json()["leadId"]

    found = document(caller.get(f"/api/leads/{lead_id}/export"))

    assert [event["eventId"] for event in found["events"]] == [f"e{number}" for number in range(7)]


def test_it_is_a_file_that_no_cache_keeps_and_whose_name_says_nothing(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)

    answer = caller.get(f"/api/leads/{lead_id}/export")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="lead-{lead_id}.json"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_the_projects_secret_key_opens_it(project: Project, caller: Caller) -> None:
    lead_id = make_grace(caller, project)

    assert caller_of(make_project("Other")).get(f"/api/leads/{lead_id}/export").status_code == 404
    assert Caller(token=make_key(project, KeyKind.WRITE)).get(f"/api/leads/{lead_id}/export").status_code == 403
