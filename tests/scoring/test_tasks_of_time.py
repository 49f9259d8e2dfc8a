"""The beat wakes the queues of leads that are due, and a queue's one consumer lets them fade."""

from unittest.mock import patch

import pytest
import time_machine

from ingest.models import Lead
from scoring import routing, tasks, wake
from scoring.models import LeadState
from tests.scoring.build import DAY, DEMO_EXPIRES, T0, make_project, standing, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(db: None) -> Lead:
    return track(make_project(DEMO_EXPIRES), "demo_request", T0)


def queue_of(lead: Lead) -> str:
    (queue,) = routing.queues_of([LeadState.objects.get(lead=lead).slot])
    return queue


@pytest.mark.parametrize(("days", "woken"), [(29, 0), (30, 1)])
def test_the_beat_wakes_the_queue_of_a_lead_that_is_due_and_no_other(lead: Lead, days: int, woken: int) -> None:
    with time_machine.travel(T0 + days * DAY, tick=False), patch.object(wake, "wake") as woken_by:
        tasks.wake_fading()

    ((_, queues), _) = woken_by.call_args
    assert queues == ({queue_of(lead)} if woken else set())


def test_a_queue_that_is_woken_lets_its_own_leads_fade(lead: Lead) -> None:
    other = next(queue for queue in routing.queues() if queue != queue_of(lead))

    with time_machine.travel(T0 + 31 * DAY, tick=False):
        tasks.drain(other)
        assert standing(lead)[1] == "hot"
        tasks.drain(queue_of(lead))

    assert standing(lead)[1] == "cold"
