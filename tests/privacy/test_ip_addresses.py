"""IP addresses are stored only where a project says so."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.core.addresses import without_ip_addresses
from ingest.core.events import IncomingEvent
from ingest.models import Event, Project
from tests.builders import Caller, caller_of, make_project
from tests.privacy.build import found_in_database

pytestmark = pytest.mark.django_db

IP = "203.0.113.9"
CONTEXT = {
    "ip": IP,
    "location": {"city": "Berlin", "ip": IP},
    "device": {"id": "d", "network": {"ipAddress": IP}},
    "headers": {"X-Forwarded-For": f"{IP}, 10.0.0.1", "x-real-ip": IP},
}


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def send(caller: Caller) -> None:
    call = {"type": "track", "event": "Signed Up", "userId": "1", "properties": {"$ip": IP, "plan": "team"}}
    assert caller.post("/v1/track", call | {"context": CONTEXT}, X_Forwarded_For=IP).status_code == 200


def test_no_ip_address_is_stored_unless_the_project_keeps_them(caller: Caller) -> None:
    send(caller)

    event = Event.objects.get()
    assert event.context["location"] == {"city": "Berlin"}
    assert event.context["device"] == {"id": "d", "network": {}}
    assert event.properties == {"plan": "team"}
    assert found_in_database((IP,)) == []


def test_a_project_can_keep_them(project: Project, caller: Caller) -> None:
    Project.objects.update(keeps_ip_addresses=True)

    send(caller)

    event = Event.objects.get()
    assert event.context["ip"] == IP
    assert event.properties["$ip"] == IP


def test_the_address_of_the_connection_is_never_stored(project: Project, caller: Caller) -> None:
    Project.objects.update(keeps_ip_addresses=True)

    assert caller.post("/api/events", {"eventType": "a", "userId": "1"}, X_Forwarded_For=IP).status_code == 202

    assert found_in_database((IP, "127.0.0.1")) == []


@pytest.mark.parametrize(
    ("properties", "kept"),
    [
        ({"ip": "203.0.113.9"}, {}),
        ({"IP_Address": "2001:db8::1"}, {}),
        ({"ip": "intellectual property", "vip": "203.0.113.9"}, {"ip": "intellectual property", "vip": "203.0.113.9"}),
        ({"ip": 7, "x": {"ip": "203.0.113.9"}}, {"ip": 7, "x": {"ip": "203.0.113.9"}}),
    ],
)
def test_among_properties_and_traits_only_what_is_an_address_goes(
    properties: dict[str, Any], kept: dict[str, Any]
) -> None:
    event = IncomingEvent(event_type="a", properties=properties, traits=properties)

    clean = without_ip_addresses(event)

    assert (clean.properties, clean.traits) == (kept, kept)


def test_an_event_without_any_is_left_as_it_is_and_asks_nothing(caller: Caller) -> None:
    event = IncomingEvent(event_type="a", context={"page": {"path": "/"}}, properties={"a": 1})
    caller.track(userId="1")

    with CaptureQueriesContext(connection) as asked:
        caller.track(userId="1", context={"page": {"path": "/"}})

    assert without_ip_addresses(event) is event
    assert not [query for query in asked if "keeps_ip_addresses" in query["sql"]]
