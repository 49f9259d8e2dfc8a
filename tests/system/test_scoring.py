"""The main job on a running system: events in, explained scores out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system.client import Client
from tests.system.installation import eventually, running

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("scoring") / "home") as system:
        system.wait_until_ready()
        yield Client(system)


def test_three_events_make_a_lead_hot(client: Client) -> None:
    lead_id = client.send("page_view", "ada")["leadId"]
    client.send("signup", "ada")
    client.send("demo_request", "ada")
    lead = client.wait_for_score(lead_id, 75)
    assert lead["leadStage"] == "hot"
    assert lead["eventsLast24h"] == 3


def test_an_event_sent_twice_counts_once(client: Client) -> None:
    first = client.send("signup", "grace", eventId="only-once")
    second = client.send("signup", "grace", eventId="only-once")
    assert (first["status"], second["status"]) == ("queued", "duplicate")
    client.send("page_view", "grace")
    client.wait_for_score(first["leadId"], 25)


def test_an_event_sent_many_times_at_once_counts_once(client: Client) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: client.send("signup", "hedy", eventId="at-once"), range(20)))
    assert sorted(answer["status"] for answer in answers) == ["duplicate"] * 19 + ["queued"]
    assert len({answer["leadId"] for answer in answers}) == 1
    client.wait_for_score(answers[0]["leadId"], 20)


def test_a_late_event_takes_its_place(client: Client) -> None:
    lead_id = client.send("demo_request", "alan", timestamp="2026-05-01T12:00:00Z")["leadId"]
    client.wait_for_score(lead_id, 50)
    client.send("page_view", "alan", timestamp="2026-05-01T10:00:00Z")
    client.wait_for_score(lead_id, 55)
    history = client.get(f"/api/leads/{lead_id}/history")["results"]
    assert [(entry["eventType"], entry["oldScore"], entry["newScore"]) for entry in history] == [
        ("page_view", 0, 5),
        ("demo_request", 5, 55),
    ]


def test_fifty_events_fired_at_once_all_count(client: Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.send("page_view", "edsger"), range(50)))
    assert len({answer["leadId"] for answer in answers}) == 1
    client.wait_for_score(answers[0]["leadId"], 250)


def test_a_score_is_the_sum_of_its_contributions(client: Client) -> None:
    lead_id = client.send("page_view", "barbara")["leadId"]
    client.send("unsubscribe", "barbara")
    client.send("demo_request", "barbara")
    client.wait_for_score(lead_id, 50)
    explained = client.get(f"/api/leads/{lead_id}/explain")
    assert sum(part["points"] for part in explained["contributions"]) == explained["score"] == 50


def test_a_hot_lead_sets_off_the_demo_automation(client: Client) -> None:
    lead_id = client.send("demo_request", "radia")["leadId"]

    def delivered() -> bool:
        runs = client.get("/api/automations/runs")["results"]
        mine = [run for run in runs if run["leadId"] == lead_id]
        return bool(mine) and all(delivery["status"] == "delivered" for run in mine for delivery in run["deliveries"])

    eventually("the run is delivered", delivered)
    assert client.get(f"/api/leads/{lead_id}")["owner"] is not None
