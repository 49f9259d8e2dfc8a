"""A 500 is never a client's doing: the whole API against requests that nobody would think of.

Deterministic and bounded. What the OpenAPI document describes is asked with data made from it, right and wrong; and
good bodies, as clients send them, are sent with something broken in them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from ingest.models import Event, Lead
from leadscore.wsgi import application
from tests.builders import Caller, caller_of, drain_all, make_project, problem_of

pytestmark = pytest.mark.django_db

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def caller() -> Caller:
    caller = caller_of(make_project())
    caller.track("demo_request", eventId="e1", email="ada@example.com", traits={"name": "Ada"})
    caller.track("signup", eventId="e2", userId="2")
    drain_all()
    return caller


# --- By its description --------------------------------------------------------------------------------------------


DESCRIPTION = schemathesis.openapi.from_wsgi("/api/schema", application)
OPERATIONS = [found.ok() for found in DESCRIPTION.get_all_operations()]  # type: ignore[union-attr]  # an error fails here


@contextmanager
def connection_kept() -> Iterator[None]:
    """Keep requests from closing the connection that holds the test's transaction, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_what_the_description_allows_and_forbids_is_answered_as_it_says(operation: Any, caller: Caller) -> None:
    lead_id = str(Lead.objects.earliest("id").pk)

    @settings(BOUNDED, max_examples=15)
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        if "lead_id" in case.path_parameters:
            case.path_parameters["lead_id"] = lead_id
        response = case.call(headers={"Authorization": f"Bearer {caller.token}"})
        case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

    with connection_kept():
        ask()


# --- By breaking what is good --------------------------------------------------------------------------------------

EVENT = {
    "eventId": "e9",
    "eventType": "page_view",
    "userId": "1",
    "anonymousId": "x",
    "email": "ada@example.com",
    "timestamp": "2026-01-31T10:00:00Z",
    "sentAt": "2026-01-31T10:00:01.5+02:00",
    "sessionId": "s",
    "properties": {"path": "/pricing", "n": 5, "list": [1, "a"], "flag": True},
    "traits": {"name": "Ada", "email": "ada@example.com", "company": {"name": "Engines"}},
    "context": {"campaign": {"source": "ads"}},
}
LEAD = {"name": "Ada", "email": "eve@example.com", "company": "Engines", "userId": "9", "traits": {"plan": "pro"}}
GOOD: list[tuple[str, str, Any]] = [
    ("POST", "/api/events", EVENT),
    ("POST", "/api/ingest/event", EVENT | {"event": "signup", "apiKey": "pk_x"}),
    ("POST", "/api/events/batch", {"events": [EVENT, EVENT | {"eventId": "e10"}]}),
    ("POST", "/api/leads", LEAD),
    ("PATCH", "/api/leads/{lead}", LEAD),
]

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**400, 1e308, -1e-308, float("nan"), float("inf")]),
    st.sampled_from(
        ["", " ", "\x00", "\ud800", "\udfff", "İ" * 200 + "@x.de", "x" * 300, "x" * 9000, "🙂" * 90, "\u202e"]
    ),
    st.sampled_from(
        ["0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z", "2026-01-31T10:00:60Z"]
    ),
    st.sampled_from(
        ["'; DROP TABLE ingest_event; --", "{{7*7}}", "../../etc/passwd", "<script>", "%s%n", "NaN", "null"]
    ),
    st.just([[[[[[]]]]]]),
    st.just({"": {"": {"": ""}}}),
    st.just({str(number): number for number in range(300)}),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a tree."""
    yield path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


@st.composite
def broken_bodies(draw: st.DrawFn) -> tuple[str, str, bytes]:
    method, path, good = draw(st.sampled_from(GOOD))
    body = good
    for _ in range(draw(st.integers(0, 3))):
        body = replaced(body, draw(st.sampled_from(list(places(body)))), draw(odd))
    content = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    cut = draw(st.integers(0, len(content)))
    torn = draw(st.sampled_from([content, content, content, content[:cut], content[:cut] + b"\xff" + content[cut:]]))
    return method, path, torn


@settings(BOUNDED, max_examples=200)
@given(broken_bodies())
def test_a_broken_body_is_taken_or_refused_and_never_a_failure(caller: Caller, broken: tuple[str, str, bytes]) -> None:
    method, path, body = broken

    answer = caller.call(method, path.format(lead=Lead.objects.earliest("id").pk), body)

    if answer.status_code >= 400:
        assert problem_of(answer)["status"] in {400, 404, 409, 413}
    for reading in ("/api/events", "/api/leads"):
        assert caller.get(f"{reading}?limit=1").status_code == 200
    drain_all()
    assert Event.objects.filter(pending__isnull=False).count() == 0


parameters = st.dictionaries(
    st.sampled_from(["limit", "cursor", "ordering", "stage", "q", "lead", "type", "asOf", "apiKey", "format", "page"]),
    st.text(max_size=30) | st.sampled_from(["\x00", "-score", "score", "1", "W10", "WzAsIjEiXQ", "WzEsICJ4Il0", "hot"]),
    max_size=4,
)
PATHS = [
    *("/api/events", "/api/leads", "/api/leaderboard", "/api/rules", "/api/rulesets", "/api/automations/runs"),
    *("/api/leads/{lead}", "/api/leads/{lead}/history", "/api/leads/{lead}/timeline", "/api/leads/{lead}/explain"),
    *("/api/leads/{lead}/intelligence", "/api/analytics/overview"),
]


@settings(BOUNDED, max_examples=150)
@given(st.sampled_from(PATHS), parameters)
def test_any_parameters_are_taken_or_refused_and_never_a_failure(
    caller: Caller, path: str, given_parameters: dict[str, str]
) -> None:
    answer = caller.client.get(
        path.format(lead=Lead.objects.earliest("id").pk),
        given_parameters,
        headers={"Authorization": f"Bearer {caller.token}"},
    )

    if answer.status_code != 200:
        assert problem_of(answer)["status"] in {400, 404}
