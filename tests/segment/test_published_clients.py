"""The published clients, unchanged, against a running system: what is stored, and that nothing counts twice."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.segment.clients import PUBLISHED, SECONDS_TO_SEND, PublishedClient
from tests.segment.recorder import Recorder
from tests.system.client import Client
from tests.system.installation import System, eventually, running

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("segment") / "home") as system:
        system.wait_until_ready()
        yield system


@pytest.fixture
def recorder(system: System) -> Iterator[Recorder]:
    recorder = Recorder(system.url)
    yield recorder
    recorder.close()


def events_of(client: Client, lead_id: str) -> dict[str, dict[str, Any]]:
    found = client.get(f"/api/events?lead={lead_id}&limit=200")["results"]
    return {f"{event['eventType']} {event['eventId']}": event for event in found}


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda client: client.package)
def test_a_published_client_works_with_nothing_but_our_address(
    published: PublishedClient, system: System, recorder: Recorder, tmp_path: Path
) -> None:
    command = published.installed_in(tmp_path / "client")
    user = f"user-{PUBLISHED.index(published)}"
    key = json.loads((system.home / "demo.json").read_text())["writeKey"]

    done = subprocess.run(
        [*command, key, recorder.url, user], capture_output=True, text=True, timeout=SECONDS_TO_SEND, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert {(sent.status, sent.answer) for sent in recorder.exchanges} == {(200, b'{"success":true}')}
    client = Client(system)
    (lead,) = client.get(f"/api/leads?q={user}@example.com")["results"]
    stored = events_of(client, lead["id"])
    by_type = {event["eventType"]: event for event in stored.values()}
    assert sorted(event["eventType"] for event in stored.values()) == sorted(
        {"identify", "pricing_viewed", "page_view", "screen_view", "group", "demo_request"} - {published.without}
    )
    assert by_type["pricing_viewed"]["properties"] == {"plan": "team", "deep": {"er": {"still": [1, 2]}}}
    assert by_type["page_view"]["properties"].items() >= {"name": "Pricing", "path": "/pricing"}.items()
    if published.without != "group":
        assert by_type["group"]["properties"] == {"groupId": "acme", "name": "Acme"}
    assert lead["name"] == "Ada"
    client.wait_for_score(lead["id"], 55)  # page_view 5, demo_request 50
    eventually("an owner for who became hot", lambda: client.get(f"/api/leads/{lead['id']}")["owner"] is not None)
    settled = client.get(f"/api/leads/{lead['id']}")

    assert {sent.status for sent in recorder.replay()} == {200}

    assert events_of(client, lead["id"]) == stored
    assert client.get(f"/api/leads/{lead['id']}") == settled
