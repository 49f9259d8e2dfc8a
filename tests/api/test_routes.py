"""Routes, methods and errors: every error is a problem document, no route redirects, browsers may send events."""

import json
from datetime import datetime

import pytest
from django.test import Client
from pytest_django import Settings

from ingest.core.keys import KeyKind
from ingest.models import Event
from tests.api.test_keys import READING
from tests.builders import Answer, Caller, caller_of, make_key, make_project, problem_of

pytestmark = pytest.mark.django_db

INGEST = ["/api/events", "/api/events/batch", "/api/ingest/event"]


@pytest.fixture
def caller() -> Caller:
    return caller_of(make_project())


@pytest.mark.parametrize("path", READING)
def test_both_forms_of_a_route_answer_alike(caller: Caller, path: str) -> None:
    without, with_slash = caller.get(path), caller.get(f"{path}/")

    assert without.status_code == with_slash.status_code
    assert without.status_code in {200, 404}
    assert without.headers["Content-Type"] == with_slash.headers["Content-Type"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", INGEST)
def test_an_ingest_route_never_redirects(caller: Caller, path: str, slash: str) -> None:
    body = {"eventType": "signup", "userId": "1", "events": []}

    assert caller.post(path + slash, body).status_code == 202


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/events/x", "/v1", "/v1/", "/v1/nothing", "/api//"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_route_that_there_is_not_is_a_404_problem(method: str, path: str) -> None:
    assert problem_of(Caller().call(method, path))["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/api/%ff%fe", "/api/%00", "/api/leads/a/b/c", "/api/..%2f..%2fetc", "/api/" + "x" * 5000]
)
def test_a_path_of_nonsense_is_a_404_problem(path: str) -> None:
    assert problem_of(Caller().get(path))["status"] == 404


@pytest.mark.parametrize("path", [*INGEST, *READING])
def test_a_method_that_a_route_does_not_have_is_a_405_problem_that_names_those_it_has(
    caller: Caller, path: str
) -> None:
    for method in ("PUT", "TRACE", "FOO"):
        answer = caller.call(method, path)
        assert problem_of(answer)["code"] == "method_not_allowed"
        assert "OPTIONS" in answer.headers["Allow"]


def test_an_ingest_route_is_not_read(caller: Caller) -> None:
    for path in ("/api/events/batch", "/api/ingest/event"):
        assert problem_of(caller.get(path))["status"] == 405
        assert caller.call("HEAD", path).status_code == 405


def test_head_answers_as_get_does_without_the_body(caller: Caller) -> None:
    for path in ("/api/events", "/api/leads", "/api/rules"):
        head = caller.call("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")


def test_what_django_itself_refuses_is_a_problem_too(caller: Caller) -> None:
    assert problem_of(caller.get("/api/leads", Host="evil.example"))["code"] == "bad_request"
    assert problem_of(caller.get("/api/leads?" + "a=1&" * 2000))["code"] == "bad_request"
    assert problem_of(Caller().post("/api/events?" + "a=1&" * 2000, {}))["code"] == "bad_request"


def test_pages_for_people_are_refused_as_pages(client: Client) -> None:
    assert client.get("/admin/", headers={"Host": "evil.example"}).headers["Content-Type"].startswith("text/html")


def test_a_failure_of_ours_is_a_problem_that_gives_nothing_away(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.client.raise_request_exception = False
    monkeypatch.setattr("scoring.selectors.leaderboard", lambda *_, **__: 1 / 0)

    problem = problem_of(caller.get("/api/leaderboard"))

    assert (problem["status"], problem["code"]) == (500, "server_error")
    assert "Zero" not in str(problem)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", "", "*/*", "nonsense;;;"])
def test_the_api_speaks_json_whatever_is_accepted(caller: Caller, accept: str) -> None:
    assert caller.get("/api/leads", Accept=accept).headers["Content-Type"] == "application/json"
    assert problem_of(caller.get("/api/leads/x", Accept=accept))["status"] == 404


def test_format_is_no_parameter_of_ours(caller: Caller) -> None:
    assert caller.get("/api/leads?format=xml").status_code == 200


# --- Browsers ------------------------------------------------------------------------------------------------------


def preflight(path: str, origin: str = "https://shop.example") -> Answer:
    return Caller().call("OPTIONS", path, Origin=origin, Access_Control_Request_Method="POST")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", INGEST)
def test_a_browser_of_any_site_may_send_events(path: str, slash: str) -> None:
    answer = preflight(path + slash)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "x-write-key", "x-retry-count", "anonymousid", "sentat"} <= set(allowed)
    assert answer.headers["Access-Control-Max-Age"] == "86400"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", READING[1:])
def test_no_browser_of_another_site_may_read(path: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(path).headers


def test_a_browser_may_read_what_became_of_its_event_also_when_it_was_refused() -> None:
    caller = caller_of(make_project(), KeyKind.WRITE, events_per_minute=1)
    body = {"eventType": "signup", "anonymousId": "x"}

    answers = [
        caller.post("/api/events", body, Origin="https://shop.example"),
        caller.post("/api/events", body, Origin="https://shop.example"),
        caller.post("/api/events", b"x" * 40_000, Origin="https://shop.example"),
        Caller().post("/api/events", body, Origin="https://shop.example"),
        caller.call("PUT", "/api/events", body, Origin="https://shop.example"),
    ]

    assert [answer.status_code for answer in answers] == [202, 429, 429, 401, 405]
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {"*"}
    assert "Retry-After" in answers[1].headers["Access-Control-Expose-Headers"]


def test_no_answer_of_the_api_sets_a_cookie(caller: Caller, settings: Settings) -> None:
    for answer in (caller.get("/api/leads"), caller.track(), Caller().get("/api/nothing")):
        assert settings.SESSION_COOKIE_NAME not in answer.cookies
        assert not answer.cookies


@pytest.mark.parametrize("path", ["/api/ingest/event", "/api/events/batch"])
def test_a_beacon_with_its_key_in_a_text_body_is_taken(path: str) -> None:
    token = make_key(make_project(), KeyKind.WRITE)
    event = {"event": "signup", "anonymousId": "x"}
    body = {"apiKey": token, **event} if path.endswith("/event") else {"apiKey": token, "events": [event]}

    answer = Client().generic(
        "POST",
        path,
        json.dumps(body),
        content_type="text/plain;charset=UTF-8",
        headers={"Origin": "https://shop.example"},
    )

    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Received-At" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch"])
def test_an_answer_tells_when_the_event_was_received(path: str, caller: Caller) -> None:
    event = {"eventType": "signup", "userId": "1"}

    answer = caller.post(path, event if path == "/api/events" else {"events": [event]})

    assert datetime.fromisoformat(answer.headers["Received-At"]) == Event.objects.get().received_at
