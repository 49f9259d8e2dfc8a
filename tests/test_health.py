"""/healthz, /readyz and /metrics: what they answer when all is well, and when each part is not."""

from datetime import timedelta
from uuid import UUID

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from ingest.models import Event, Lead, PendingEvent, Project
from leadscore import heartbeat
from leadscore.metrics import EventTally

pytestmark = pytest.mark.django_db


def samples(client: Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        "".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Somebody's")


def store(project: Project, event_id: str, *, pending: bool = False) -> Event:
    lead = Lead.objects.create(project=project)
    now = timezone.now()
    event = Event.objects.create(
        project=project, lead=lead, event_id=event_id, event_type="signup", occurred_at=now, received_at=now
    )
    if pending:
        PendingEvent.objects.create(event=event, lead_id=lead.pk, slot=0, due_at=now - timedelta(seconds=30))
    return event


def test_healthz_asks_nothing_of_the_database(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_is_ok_when_every_part_is(client: Client) -> None:
    heartbeat.mark()
    answer = client.get("/readyz")
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "migrations": "ok", "beat": "ok"}
    assert answer.status_code == 200


def test_readyz_says_when_beat_was_never_heard_of(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["beat"] == "Beat has not been heard of: is it running?"


def test_readyz_says_when_beat_was_last_heard_of_too_long_ago(client: Client, redis_client: redis.Redis) -> None:
    redis_client.set(heartbeat.KEY, timezone.now().timestamp() - 100)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["beat"] == "Beat was last heard of 100 seconds ago."


def test_readyz_says_when_redis_and_the_broker_are_gone(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["broker"] == "The broker does not answer."
    assert answer.json()["beat"] == "Unknown: Redis does not answer."
    assert answer.json()["database"] == "ok"


def test_readyz_says_when_a_migration_is_missing(client: Client) -> None:
    heartbeat.mark()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'automation' AND name = '0001_initial'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "not applied: run manage.py migrate" in answer.json()["migrations"]


def test_the_heartbeat_task_leaves_the_mark(client: Client) -> None:
    assert heartbeat.age() is None
    heartbeat.heartbeat()
    age = heartbeat.age()
    assert age is not None
    assert 0 <= age < 5


def test_metrics_of_an_empty_installation_are_zero(client: Client) -> None:
    found = samples(client)
    assert found["leadscore_events_stored_total"] == 0
    assert found["leadscore_events_pending"] == 0
    assert found["leadscore_events_pending_oldest_seconds"] == 0
    assert found["leadscore_dead_letters"] == 0
    assert {name for name in found if name.startswith("leadscore_deliveries")} == {
        "leadscore_deliveriespending",
        "leadscore_deliveriesdelivered",
        "leadscore_deliveriesfailed",
    }


def test_metrics_count_what_is_stored_and_what_waits(client: Client, project: Project) -> None:
    store(project, "one")
    store(project, "two", pending=True)
    found = samples(client)
    assert found["leadscore_events_stored_total"] == 2
    assert found["leadscore_events_pending"] == 1
    assert 30 <= found["leadscore_events_pending_oldest_seconds"] < 60


def test_metrics_take_few_queries(client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(6):
        samples(client)


def test_the_tally_counts_every_event_once_however_often_it_is_asked(project: Project) -> None:
    tally = EventTally()
    store(project, "one")
    now = timezone.now()
    assert [tally.total(now), tally.total(now)] == [1, 1]
    assert tally.total(now + timedelta(minutes=5)) == 1
    store(project, "two")
    Event.objects.filter(event_id="two").update(id=UUID(int=((1 << 48) - 1) << 80 | 7 << 76 | 2 << 62))
    assert tally.total(now + timedelta(minutes=10)) == 2
