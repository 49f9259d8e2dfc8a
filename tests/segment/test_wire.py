"""What the published clients put on the wire, recorded from them, and what is stored of it."""

import base64
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ingest.core.keys import KeyKind
from ingest.models import Event, Identifier, Lead
from tests.builders import Answer, make_key, make_project

pytestmark = pytest.mark.django_db
TRACK = {
    "type": "track",
    "event": "Pricing Viewed",
    "userId": "u1",
    "messageId": "m1",
    "properties": {"plan": "team"},
    "timestamp": "2026-03-01T12:00:00.000Z",
}
SENT = "2026-03-01T12:00:10.000Z"


@pytest.fixture
def key() -> str:
    return make_key(make_project(), KeyKind.WRITE, events_per_minute=None)


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def send(path: str, body: Any, *, content_type: str = "application/json", **headers: str) -> Answer:
    """Send as a client does, with Django's check of forms switched on."""
    return Client(enforce_csrf_checks=True).generic(
        "POST",
        path,
        body if isinstance(body, bytes) else json.dumps(body),
        content_type=content_type,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def succeeded(answer: Answer) -> bool:
    return bool(answer.status_code == 200 and answer.content == b'{"success":true}')


def test_segments_python_client(key: str) -> None:
    library = {"library": {"name": "analytics-python", "version": "2.4.0"}}
    batch = [
        {
            "integrations": {},
            "anonymousId": None,
            "timestamp": "2026-03-01T12:00:00.123456+00:00",
            "type": "identify",
            "userId": "ada",
            "traits": {"email": "ada@example.com", "name": "Ada", "address": {"city": {"name": "Kyiv"}}},
            "messageId": "8ac5f2a6-7ff6-4dd2-a2ab-0d5a1c4a6f1b",
            "context": library,
        },
        {
            "integrations": {},
            "timestamp": "2026-03-01T12:00:01+00:00",
            "type": "page",
            "userId": "ada",
            "name": "Pricing",
            "category": "Docs",
            "properties": {"path": "/pricing"},
            "messageId": "9ac5f2a6-7ff6-4dd2-a2ab-0d5a1c4a6f1b",
            "context": library,
        },
    ]
    body = {"batch": batch, "sentAt": "2026-03-01T12:00:02+00:00", "writeKey": key}

    plain = send("/v1/batch", body, Authorization=basic(key))
    zipped = send("/v1/batch", gzip.compress(json.dumps(body).encode()), Content_Encoding="gzip")

    assert succeeded(plain)
    assert succeeded(zipped)  # the key stands in the zipped body only
    assert list(Event.objects.order_by("occurred_at").values_list("event_type", "properties", "context")) == [
        ("identify", {}, library),
        ("page_view", {"name": "Pricing", "category": "Docs", "path": "/pricing"}, library),
    ]
    lead = Lead.objects.get()
    assert (lead.name, lead.email, lead.traits["address"]) == ("Ada", "ada@example.com", {"city": {"name": "Kyiv"}})


def test_segments_node_client_has_ids_of_74_characters(key: str) -> None:
    message_id = "node-next-1764000000000-" + "a" * 50
    body = {"batch": [TRACK | {"messageId": message_id, "_metadata": {"nodeVersion": "20"}}], "sentAt": SENT}

    assert succeeded(send("/v1/batch", body, Authorization=basic(key)))
    assert Event.objects.get().event_id == message_id


@pytest.mark.parametrize(
    ("short", "long", "stored"),
    [
        ("t", "track", "pricing_viewed"),
        ("i", "identify", "identify"),
        ("p", "page", "page_view"),
        ("s", "screen", "screen_view"),
        ("g", "group", "group"),
        ("a", "alias", "alias"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_segments_browser_client(key: str, short: str, long: str, stored: str, slash: str) -> None:
    body = TRACK | {"type": long, "writeKey": key, "sentAt": SENT, "_metadata": {"bundled": ["Segment.io"]}}

    first = send(f"/v1/{short}{slash}", body, content_type="text/plain", Origin="https://shop.example")
    second = send(f"/v1/{long}{slash}", body | {"messageId": "m2"}, content_type="text/plain", X_Retry_Count="1")

    assert succeeded(first)
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert succeeded(second)
    assert list(Event.objects.values_list("event_type", flat=True)) == [stored, stored]


@pytest.mark.parametrize("path", ["/v1/b", "/v1/b/", "/v1/batch/", "/v1/import", "/v1/import/"])
def test_every_name_of_the_batch(key: str, path: str) -> None:
    assert succeeded(send(path, {"batch": [TRACK], "sentAt": SENT, "writeKey": key}, content_type="text/plain"))
    assert Event.objects.count() == 1


@pytest.mark.parametrize("path", ["/v1/m", "/v1/m/"])
def test_metrics_are_taken_and_ignored(path: str) -> None:
    assert succeeded(send(path, {"series": [{"type": "Counter"}]}, content_type="text/plain"))
    assert succeeded(send(path, b"nonsense", content_type="text/plain"))
    assert Event.objects.count() == 0


def test_rudderstacks_servers_put_traits_into_the_context_and_say_original_timestamp(key: str) -> None:
    happened = timezone.now() - timedelta(hours=3)
    identify = {
        "type": "identify",
        "userId": "ada",
        "anonymousId": "",
        "messageId": "r1",
        "context": {"traits": {"email": "ada@example.com"}, "library": {"name": "rudder"}},
        "originalTimestamp": happened.isoformat(),
        "channel": "server",
    }
    body = {"batch": [identify], "sentAt": timezone.now().isoformat()}

    answer = send(
        "/v1/batch", gzip.compress(json.dumps(body).encode()), Authorization=basic(key), Content_Encoding="gzip"
    )

    assert succeeded(answer)
    event = Event.objects.get()
    assert event.timestamp == happened
    assert abs(event.occurred_at - happened) < timedelta(seconds=5)
    assert (event.traits, event.context) == ({"email": "ada@example.com"}, {"library": {"name": "rudder"}})
    assert Lead.objects.get().email == "ada@example.com"


def test_rudderstacks_browser_client(key: str) -> None:
    page = {
        "type": "page",
        "userId": "",
        "anonymousId": "visitor-1",
        "messageId": "r2",
        "name": "Home",
        "properties": {"path": "/"},
        "context": {"sessionId": 1764000000000, "traits": {}},
        "originalTimestamp": SENT,
        "event": None,
        "integrations": {"All": True},
    }

    call = send("/v1/page", page, Authorization=basic(key), AnonymousId="dmlzaXRvcg==", SentAt=SENT)
    beacon = send(
        f"/beacon/v1/batch?writeKey={key}",
        {"batch": [page | {"messageId": "r3"}]},
        content_type="text/plain;charset=UTF-8",
    )

    assert succeeded(call)
    assert succeeded(beacon)
    events = list(Event.objects.order_by("event_id"))
    assert [event.session_id for event in events] == ["1764000000000"] * 2
    assert [event.sent_at for event in events] == [parse_datetime(SENT), None]
    assert [(name.kind, name.value) for name in Identifier.objects.all()] == [("anonymous_id", "visitor-1")]


@pytest.mark.parametrize("path", ["/api/s/track", "/api/s/track/", "/api/s/s2s/track"])
def test_jitsus_client_masks_the_key_in_the_body(key: str, path: str) -> None:
    body = TRACK | {"writeKey": "pk_0123:***", "sentAt": SENT, "context": {"library": {"name": "@jitsu/js"}}}

    assert succeeded(send(path, body, X_Write_Key=key))
    assert succeeded(send(path, body, X_Write_Key=f"{key}:-"))  # it takes no key without a colon
    assert Event.objects.get().event_type == "pricing_viewed"


def test_customer_ios_client_says_no_sent_at(key: str) -> None:
    assert succeeded(send("/v1/batch", {"batch": [TRACK]}, Authorization=basic(key)))
    assert Event.objects.get().occurred_at == parse_datetime("2026-03-01T12:00:00Z")


@pytest.mark.parametrize("scheme", ["Bearer ", ""])
def test_dittofeeds_client_says_no_times_at_all(key: str, scheme: str) -> None:
    event = {name: value for name, value in TRACK.items() if name != "timestamp"}

    assert succeeded(send("/api/public/apps/batch", {"batch": [event]}, Authorization=scheme + key))
    stored = Event.objects.get()
    assert (stored.timestamp, stored.occurred_at) == (None, stored.received_at)


def test_what_segments_browser_client_asks_for_first(key: str) -> None:
    for slash in ("", "/"):
        answer = Client().get(f"/v1/projects/{key}/settings{slash}", headers={"Origin": "https://shop.example"})

        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.json() == {
            "integrations": {"Segment.io": {"apiKey": key, "apiHost": "testserver/v1", "protocol": "http"}},
            "plan": {"track": {"__default": {"enabled": True}}},
        }


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_what_rudderstacks_browser_client_asks_for_first(key: str, path: str) -> None:
    answers = [
        Client().get(f"{path}?p=npm&v=3.34&writeKey={key}", headers={"Origin": "https://shop.example"}),
        Client().get(path, headers={"Authorization": basic(key), "Origin": "https://shop.example"}),
    ]

    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        source = answer.json()["source"]
        assert (source["writeKey"], source["enabled"], source["destinations"]) == (key, True, [])
        assert source["config"]["statsCollection"] == {"errors": {"enabled": False}, "metrics": {"enabled": False}}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_secret_key_is_no_source_for_web_pages() -> None:
    secret = make_key(make_project(), KeyKind.SECRET)

    assert Client().get(f"/v1/projects/{secret}/settings").status_code == 404
    assert Client().get("/v1/projects/pk_nobody/settings").status_code == 404
    assert Client().get("/sourceConfig/", headers={"Authorization": basic(secret)}).status_code == 404
    assert Client().get("/sourceConfig/", headers={"Authorization": basic("pk_nobody")}).status_code == 401
    assert Client().get("/sourceConfig/").status_code == 401


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/t", "POST"),
        ("/v1/batch/", "POST"),
        ("/v1/m", "POST"),
        ("/beacon/v1/batch", "POST"),
        ("/api/s/track", "POST"),
        ("/api/public/apps/batch", "POST"),
        ("/v1/projects/pk_x/settings", "GET"),
        ("/sourceConfig/", "GET"),
    ],
)
def test_a_preflight_allows_what_the_clients_send(path: str, method: str) -> None:
    answer = Client().options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Headers": "Content-Type, Rsa-Is-Retry, Cookie",
        },
    )

    assert (answer.status_code, answer.headers["Access-Control-Max-Age"]) == (204, "86400")
    assert answer.headers["Access-Control-Allow-Methods"] == method
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    allowed = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed >= {
        *("authorization", "content-type", "x-retry-count", "anonymousid", "sentat", "x-write-key", "rsa-is-retry")
    }
    assert "cookie" not in allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers
