"""Events of bots: taken, kept, and worth nothing."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.core.keys import KeyKind
from ingest.models import BotFilter, Event, PendingEvent, Project, Verdict
from tests.builders import Caller, caller_of, drain_all, make_project, problem_of

pytestmark = pytest.mark.django_db

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def server(project: Project) -> Caller:
    return caller_of(project)


@pytest.fixture
def page(project: Project) -> Caller:
    return caller_of(project, KeyKind.WRITE)


def send(caller: Caller, user_agent: str | None = None, *, path: str = "/api/events", **fields: Any) -> None:
    body = {"eventType": "signup", "userId": "1", **fields}
    headers = {} if user_agent is None else {"User_Agent": user_agent}
    assert caller.post(path, body, **headers).status_code == 202


def test_a_page_on_ones_own_machine_may_be_tried_with_a_headless_browser(page: Caller, project: Project) -> None:
    answer = page.post(
        "/api/events",
        {"eventType": "signup", "userId": "1"},
        User_Agent="HeadlessChrome/142.0",
        Origin="http://localhost:3000",
    )

    assert answer.status_code == 202
    assert not Verdict.objects.filter(project=project).exists()


def log(server: Caller, query: str = "") -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = server.get(f"/api/events{query}").json()["results"]
    return results


def score(server: Caller) -> tuple[Any, Any, Any]:
    drain_all()
    (lead,) = server.get("/api/leads").json()["results"]
    return lead["currentScore"], lead["eventsLast24h"], lead["lastEventAt"]


@pytest.mark.parametrize("path", ["/api/events", "/api/ingest/event", "/api/events/batch"])
def test_a_bot_in_a_web_page_is_known_by_the_request_and_scores_nothing(
    page: Caller, server: Caller, path: str
) -> None:
    one = {"eventType": "signup", "userId": "1"}
    page.post(path, {"events": [one]} if path.endswith("batch") else one, User_Agent=GOOGLE)

    (event,) = log(server)
    assert event["excluded"].items() >= {"reason": "bot", "detail": "Googlebot", "by": None}.items()
    assert not PendingEvent.objects.exists()
    assert score(server) == (0, 0, None)


def test_a_visitor_counts_and_the_browser_is_kept_to_judge_again_by(page: Caller, server: Caller) -> None:
    send(page, FIREFOX)

    assert Event.objects.get().context == {"userAgent": FIREFOX}
    assert log(server)[0]["excluded"] is None
    assert score(server)[:2] == (20, 1)


def test_what_the_event_says_of_its_browser_beats_the_request(page: Caller, server: Caller) -> None:
    send(page, GOOGLE, context={"userAgent": FIREFOX})
    send(page, FIREFOX, context={"userAgent": GOOGLE})

    assert [event["excluded"] is not None for event in log(server)] == [True, False]


@pytest.mark.parametrize("agent", ["python-requests/2.32.3", "curl/8.5.0", "Go-http-client/2.0", GOOGLE])
def test_a_server_is_no_bot_whatever_it_is_written_in(server: Caller, agent: str) -> None:
    send(server, agent)

    assert Event.objects.get().context == {}
    assert score(server)[0] == 20


def test_a_library_with_a_write_key_is_a_program_and_no_bot(page: Caller, server: Caller) -> None:
    send(page, "python-httpx/0.28.1")

    assert score(server)[0] == 20


def test_a_server_that_tells_of_a_bot_is_believed(server: Caller) -> None:
    send(server, "python-requests/2.32.3", context={"userAgent": GOOGLE})

    assert score(server)[0] == 0


@pytest.mark.parametrize(("content_type", "counted"), [("text/plain", 0), ("application/json", 20)])
def test_on_segments_routes_the_request_speaks_only_for_a_browser(
    page: Caller, server: Caller, content_type: str, counted: int
) -> None:
    body = b'{"event": "signup", "userId": "1"}'
    headers = {"Authorization": f"Bearer {page.token}", "User-Agent": GOOGLE}
    answer = page.client.generic("POST", "/v1/track", body, content_type=content_type, headers=headers)

    assert answer.status_code == 200
    assert score(server)[0] == counted


def test_on_segments_routes_the_context_names_the_browser(server: Caller) -> None:
    server.post("/v1/track", {"event": "signup", "userId": "1", "context": {"userAgent": GOOGLE}})

    assert score(server)[0] == 0


def test_a_project_can_let_bots_count(project: Project, page: Caller, server: Caller) -> None:
    BotFilter.objects.create(project=project, known_bots=False)
    send(page, GOOGLE)

    assert not Verdict.objects.exists()
    assert score(server)[0] == 20


def test_the_log_can_be_asked_for_what_does_not_count(page: Caller, server: Caller) -> None:
    send(page, GOOGLE, eventId="bot")
    send(page, FIREFOX, eventId="person")

    assert [event["eventId"] for event in log(server, "?excluded=true")] == ["bot"]
    assert [event["eventId"] for event in log(server, "?excluded=false")] == ["person"]
    assert len(log(server)) == 2
    assert problem_of(server.get("/api/events?excluded=maybe"))["errors"][0]["pointer"] == "/excluded"


def test_a_retry_of_a_bots_event_is_a_duplicate(page: Caller, server: Caller) -> None:
    send(page, GOOGLE, eventId="a")

    answer = page.post("/api/events", {"eventType": "signup", "userId": "1", "eventId": "a"}, User_Agent=FIREFOX)
    assert answer.json()["status"] == "duplicate"
    assert score(server)[0] == 0


def _statements(caller: Caller, user_agent: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        send(caller, user_agent)
    return [query["sql"] for query in queries.captured_queries]


def test_an_event_of_a_person_costs_no_statement_more_for_there_being_bots(page: Caller) -> None:
    send(page, FIREFOX)

    assert not [sql for sql in _statements(page, FIREFOX) if "verdict" in sql or "botfilter" in sql]
    assert len([sql for sql in _statements(page, GOOGLE) if "verdict" in sql or "botfilter" in sql]) == 2
