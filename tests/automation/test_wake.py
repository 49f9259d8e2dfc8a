"""Deliveries are woken once a batch, on commit; a broker that is away costs neither time nor the batch."""

import time
from collections.abc import Iterator

import pytest
import redis
from django.db import transaction
from pytest_django import Settings

from automation.models import Run
from automation.services.runs import record_runs
from automation.tasks import deliver_due
from ingest import redis_access
from tests.automation.builders import make_automation, only_delivery, outcome_of_getting_hot
from tests.builders import make_lead, make_project

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(client: redis.Redis) -> int:
    return int(client.llen("deliveries"))


def test_a_batch_wakes_the_deliveries_once_and_only_when_it_is_committed(redis_client: redis.Redis) -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"})

    with transaction.atomic():
        record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(20)])
        record_runs([outcome_of_getting_hot(make_lead(project)) for _ in range(20)])
        assert waiting(redis_client) == 0

    assert waiting(redis_client) == 1


def test_what_fires_while_deliveries_are_under_way_wakes_them_again(redis_client: redis.Redis) -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"})
    record_runs([outcome_of_getting_hot(make_lead(project))])

    deliver_due()
    record_runs([outcome_of_getting_hot(make_lead(project))])

    assert waiting(redis_client) == 2


def test_a_batch_that_fires_nothing_wakes_nobody(redis_client: redis.Redis) -> None:
    project = make_project()
    make_automation(project, {"kind": "assign"}, to_stage="qualified")

    record_runs([outcome_of_getting_hot(make_lead(project))])

    assert waiting(redis_client) == 0


@pytest.fixture
def redis_is_away(settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:9"
    redis_access.client.cache_clear()
    redis_access.pause.end()
    yield
    redis_access.client.cache_clear()
    redis_access.pause.end()


@pytest.mark.usefixtures("redis_is_away")
def test_without_a_broker_runs_are_recorded_at_once_and_found_by_the_beat() -> None:
    lead = make_lead(make_project())
    make_automation(lead.project, {"kind": "slack"})

    begun = time.monotonic()
    record_runs([outcome_of_getting_hot(lead)])
    assert time.monotonic() - begun < 1

    assert Run.objects.count() == 1
    deliver_due()
    assert only_delivery().status == "failed"
