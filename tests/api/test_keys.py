"""Keys: where they are looked for, which one counts, and what each may do. Nobody learns of another project."""

import base64
from typing import Any

import pytest

from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Project
from tests.builders import Answer, Caller, caller_of, make_key, make_lead, make_project, problem_of

pytestmark = pytest.mark.django_db

EVENT = {"eventType": "signup", "userId": "1"}
READING = [
    *("/api/events", "/api/leads", "/api/leads/x", "/api/leads/x/history", "/api/leads/x/timeline"),
    *("/api/leads/x/export", "/api/leads/export", "/api/leads/x/sessions"),
    *("/api/leads/x/intelligence", "/api/leads/x/explain", "/api/leaderboard", "/api/rules", "/api/rulesets"),
    *("/api/analytics/overview", "/api/analytics/throughput", "/api/analytics/stages", "/api/automations/runs"),
    *("/api/imports", "/api/imports/x", "/api/imports/x/rejected"),
]


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def key(project: Project) -> str:
    return make_key(project, KeyKind.WRITE)


def send(*, query: str = "", body: dict[str, Any] | None = None, **headers: str) -> Answer:
    return Caller().post(f"/api/events{query}", EVENT | (body or {}), **headers)


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_key_is_found_wherever_clients_put_it(key: str) -> None:
    answers = [
        send(Authorization=f"Bearer {key}"),
        send(Authorization=f"bearer   {key} "),
        send(Authorization=basic(key)),
        send(Authorization=basic(key, "x:y")),
        send(X_API_Key=key),
        send(X_Write_Key=key),
        send(query=f"?apiKey={key}"),
        send(query=f"?writeKey={key}"),
        send(query=f"?apiKey=&writeKey={key}"),
        send(body={"apiKey": key}),
        send(body={"writeKey": key}),
    ]

    assert [answer.status_code for answer in answers] == [202] * len(answers)


@pytest.mark.parametrize("route", ["/api/events", "/api/ingest/event", "/api/events/batch"])
def test_a_key_in_the_body_opens_every_ingest_route(key: str, route: str) -> None:
    assert Caller().post(route, EVENT | {"events": [EVENT], "apiKey": key}).status_code == 202


def test_a_header_beats_the_query_and_the_query_beats_the_body(key: str) -> None:
    assert send(Authorization=f"Bearer {key}", query="?apiKey=wrong", body={"apiKey": "wrong"}).status_code == 202
    assert send(Authorization="Bearer wrong", query=f"?apiKey={key}").status_code == 401
    assert send(X_Write_Key="wrong", body={"writeKey": key}).status_code == 401
    assert send(query=f"?apiKey={key}", body={"apiKey": "wrong"}).status_code == 202
    assert send(query="?apiKey=wrong", body={"apiKey": key}).status_code == 401


def test_a_header_that_is_empty_or_for_somebody_else_hides_no_key(key: str) -> None:
    assert send(X_API_Key="", body={"writeKey": key}).status_code == 202
    assert send(X_API_Key="", X_Write_Key=key).status_code == 202
    assert send(Authorization="Digest x", X_API_Key=key).status_code == 202


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic",
        "Basic %%%",
        "Basic /w==",
        "Basic Og==",
        "Bearer \x00",
        "Bearer é",
        "Bearer pk_",
    ],
)
def test_a_header_without_a_usable_key_is_401(authorization: str) -> None:
    answer = send(Authorization=authorization)

    assert problem_of(answer)["status"] == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("body", [{"apiKey": 5}, {"apiKey": None}, {"apiKey": ["x"]}, {"apiKey": ""}, {"writeKey": {}}])
def test_a_body_without_a_usable_key_is_401(body: dict[str, Any]) -> None:
    assert problem_of(send(body=body))["status"] == 401


@pytest.mark.parametrize("path", READING)
def test_reading_needs_a_secret_key_in_a_header(project: Project, key: str, path: str) -> None:
    secret = make_key(project)

    assert problem_of(Caller().get(path))["status"] == 401
    assert problem_of(Caller().get(f"{path}?apiKey={secret}"))["status"] == 401
    assert problem_of(Caller(token="sk_unknown").get(path))["status"] == 401
    assert problem_of(Caller(token=key).get(path))["code"] == "secret_key_required"
    assert Caller(token=key).call("HEAD", path).status_code == 403
    assert Caller(token=secret).get(path).status_code in {200, 404}


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/leads"), ("PATCH", "/api/leads/x")])
def test_writing_leads_needs_a_secret_key_too(project: Project, key: str, method: str, path: str) -> None:
    assert problem_of(Caller(token=key).call(method, path, {}))["status"] == 403
    assert problem_of(Caller().call(method, path, {"apiKey": make_key(project)}))["status"] == 401


def test_a_key_that_is_inactive_or_gone_is_like_one_that_never_was(project: Project) -> None:
    caller = caller_of(project)
    unknown = problem_of(Caller(token="sk_unknown").track())

    ApiKey.objects.update(active=False)
    assert problem_of(caller.track()) == unknown
    ApiKey.objects.all().delete()
    assert problem_of(caller.track()) == unknown


def test_two_secret_keys_live_side_by_side_while_one_replaces_the_other(project: Project) -> None:
    old, new = caller_of(project), caller_of(project)

    assert old.track(eventId="e1").json()["leadId"] == new.track(eventId="e1").json()["leadId"]


def test_a_key_opens_its_own_project_only() -> None:
    mine, theirs = make_project("Mine"), make_project("Theirs")
    lead = make_lead(theirs)

    assert caller_of(mine).get(f"/api/leads/{lead.pk}").status_code == 404
    assert caller_of(theirs).get(f"/api/leads/{lead.pk}").status_code == 200


def test_a_key_with_an_allow_list_takes_browsers_of_these_origins_only(project: Project) -> None:
    caller = caller_of(project, KeyKind.WRITE, allowed_origins=["https://shop.example"])

    assert caller.post("/api/events", EVENT, Origin="https://shop.example").status_code == 202
    assert caller.post("/api/events", EVENT).status_code == 202
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example"):
        refused = caller.post("/api/events", EVENT, Origin=origin)
        assert problem_of(refused)["code"] == "origin_not_allowed"
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
