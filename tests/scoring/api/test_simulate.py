"""Rules can be tried out through the API, and nothing is stored."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.test import Client

from ingest.core.keys import KeyKind
from ingest.models import Event, Lead, Project
from ingest.services.keys import issue_key
from ingest.services.projects import create_project
from scoring.models import Rule, Scorecard, ScoreEntry
from scoring.simulation import MAX_BYTES

pytestmark = pytest.mark.django_db
T0 = "2026-03-01T10:00:00Z"
URL = "/api/rules/simulate"

MATCH = {"field": "properties.path", "op": "matches", "value": "(a|b)*c$"}


@pytest.fixture
def project() -> Project:
    return create_project("Acme", now=datetime(2026, 1, 1, tzinfo=UTC))


def event(event_type: str = "page_view", **fields: Any) -> dict[str, Any]:
    return {"eventType": event_type, "timestamp": T0} | fields


def card(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"scorecards": [{"name": "A", "rules": [{"name": "R", "points": 10} | rule for rule in rules]} | fields]}


def simulate(project: Project, body: Any, kind: KeyKind = KeyKind.SECRET) -> tuple[int, dict[str, Any]]:
    _, key = issue_key(project.pk, kind)
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    response = Client().post(
        URL, data, content_type="application/json", headers={"Authorization": f"Bearer {key.token}"}
    )
    return response.status_code, orjson.loads(response.content)


def test_events_are_scored_by_the_draft_and_nothing_is_stored(project: Project) -> None:
    Rule.objects.filter(name="Page view").update(points=7)

    status, answer = simulate(project, {"events": [event(eventId="a"), event("demo_request", eventId="b")]})

    assert status == 200
    assert (answer["score"], answer["stage"]) == (57, "hot")
    assert answer["entries"][0] == {
        "eventId": "a",
        "eventType": "page_view",
        "kind": "event",
        "occurredAt": T0,
        "delta": 7,
        "oldScore": 0,
        "newScore": 7,
        "oldStage": "cold",
        "newStage": "cold",
        "rules": [{"name": "Page view", "points": 7}],
        "rulesetVersion": 0,
    }
    assert answer["scorecards"] == [{"name": "Engagement", "score": 57, "stage": "hot", "entries": answer["entries"]}]
    assert not Lead.objects.exists()
    assert not Event.objects.exists()
    assert not ScoreEntry.objects.exists()


def test_events_are_scored_by_a_version(project: Project) -> None:
    Rule.objects.filter(name="Page view").update(points=7)

    status, answer = simulate(project, {"events": [event()], "rulesetVersion": 1})

    assert (status, answer["score"], answer["entries"][0]["rulesetVersion"]) == (200, 5, 1)


def test_events_are_scored_by_the_ruleset_that_is_sent(project: Project) -> None:
    ruleset = card({"when": {"field": "traits.plan", "op": "eq", "value": "pro"}, "expires_after_days": 2})

    body = {"ruleset": ruleset, "events": [event()], "traits": {"plan": "pro"}}
    counted = simulate(project, body)[1]
    expired = simulate(project, body | {"asOf": "2026-03-04T00:00:00Z"})[1]

    assert counted["score"] == 10
    assert [entry["kind"] for entry in expired["entries"]] == ["event", "decay"]
    assert (expired["score"], expired["entries"][1]["eventId"]) == (0, None)


def test_an_event_id_that_was_there_already_changes_nothing(project: Project) -> None:
    status, answer = simulate(project, {"events": [event(eventId="a"), event(eventId="a"), event(), event()]})

    assert (status, answer["score"]) == (200, 15)


def test_every_mistake_of_a_ruleset_has_a_pointer(project: Project) -> None:
    status, answer = simulate(project, {"ruleset": card({"points": "x"}, {"cap": {"times": 0}}), "events": []})

    assert (status, answer["code"]) == (400, "invalid_ruleset")
    assert answer["errors"] == [
        {"pointer": "/ruleset/scorecards/0/rules/0/points", "detail": "must be a number"},
        {"pointer": "/ruleset/scorecards/0/rules/1/cap/times", "detail": "must be at least 1"},
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{", ""),
        ([], ""),
        ({}, "/events"),
        ({"events": [event(timestamp="soon")]}, "/events/0/timestamp"),
        ({"events": [event(timestamp="0001-01-01T00:00:00+10:00")]}, "/events/0/timestamp"),
        ({"events": [event("adjustment")]}, "/events/0/eventType"),
        ({"events": [event(eventId=7)]}, "/events/0/eventId"),
        ({"events": [event()] * 1001}, "/events"),
        ({"events": [], "colour": 1}, "/colour"),
        ({"events": [], "rulesetVersion": "1"}, "/rulesetVersion"),
        ({"events": [], "rulesetVersion": 1, "ruleset": {}}, "/rulesetVersion"),
        ({"events": [event(properties={"a\0": 1})]}, "/events/0/properties"),
        ({"events": [], "ruleset": []}, "/ruleset"),
    ],
)
def test_a_mistake_of_the_request_is_pointed_at(project: Project, body: Any, pointer: str) -> None:
    status, answer = simulate(project, body)

    assert status == 400
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


def test_deeply_nested_bodies_are_refused(project: Project) -> None:
    assert simulate(project, b'{"events":' + b"[" * 500 + b"]" * 500 + b"}")[0] == 400
    assert simulate(project, b"[" * 100_000)[0] == 400


def test_more_work_than_a_request_may_make_is_refused(project: Project) -> None:
    rules = [{"name": f"R{number}", "when": MATCH} for number in range(250)]
    tree = {"scorecards": [card(*rules)["scorecards"][0] | {"name": name} for name in "AB"]}

    status, answer = simulate(project, {"ruleset": tree, "events": [event()] * 501})

    assert (status, answer["code"]) == (400, "too_many_events")
    told = "are too many for 1,000 rules and conditions: at most 500 at once"
    assert answer["errors"] == [{"pointer": "/events", "detail": told}]


def test_a_body_that_is_too_large_is_refused(project: Project) -> None:
    assert simulate(project, b" " * (MAX_BYTES + 1))[0] == 413


def test_a_version_of_another_project_does_not_exist(project: Project) -> None:
    other = create_project("Other", now=datetime(2026, 1, 1, tzinfo=UTC))
    content = other.ruleset_versions.get().content
    other.ruleset_versions.create(number=2, content=content)

    assert simulate(project, {"events": [], "rulesetVersion": 2})[0] == 404


def test_a_draft_that_is_no_ruleset_is_told(project: Project) -> None:
    Scorecard.objects.all().delete()

    status, answer = simulate(project, {"events": []})

    assert (status, answer["code"]) == (400, "invalid_draft")
    assert answer["errors"] == [{"pointer": "/scorecards", "detail": "must not be empty"}]


def test_a_write_key_may_not_try_rules_out(project: Project) -> None:
    assert simulate(project, {"events": []}, KeyKind.WRITE)[0] == 403
    assert Client().post(URL, b"{}", content_type="application/json").status_code == 401
