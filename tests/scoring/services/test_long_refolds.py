"""A lead with a long log: it is folded in parts, and the others of its queue do not wait for it."""

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from ingest.models import Event, PendingEvent, Project, Verdict
from ingest.services.merges import merge_leads
from ingest.slots import SLOTS
from scoring import tasks
from scoring.models import LeadScore, LongRefold, Refold, ScoreEntry
from scoring.services import fading, long_refolds
from scoring.services.drain import drain
from scoring.services.rescore import refold, rescore_leads
from tests.scoring.builders import (
    LATER,
    NOON,
    Listener,
    drain_all,
    event,
    lead_of,
    make_project,
    pending,
    projections,
    put_in_force,
    scorecard,
    standing,
    take_in,
    track,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def small_parts() -> Iterator[None]:
    with (
        mock.patch("scoring.services.long_refolds.LONG_LOG", 5),
        mock.patch("scoring.services.long_refolds.PART", 2),
        mock.patch("scoring.services.drain.LEAD_SHARE", 3),
    ):
        yield


def make_long_log(user: str = "ada") -> Project:
    project = make_project()
    track(project, *(event("page_view", NOON + MINUTE * number, user=user) for number in range(7)))
    return project


def test_a_lead_with_a_long_log_waits_while_the_others_are_scored() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE), event("signup", user="bob"))

    drain(range(SLOTS), now=LATER)

    assert standing(project, "bob")[0] == 20
    assert standing(project)[0] == 35
    assert LongRefold.objects.count() == 1


def test_a_long_refold_ends_where_a_rebuild_ends() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE), event("demo_request", NOON + MINUTE * 3.5))

    drain_all()
    stored = projections()
    rescore_leads(project.pk, [lead_of(project).pk], now=LATER)

    assert standing(project) == (105, "qualified")
    assert LongRefold.objects.count() == pending() == 0
    assert projections() == stored


def test_what_arrives_meanwhile_is_scored_afterwards() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)
    take_in(project, event("demo_request", NOON - MINUTE * 2), event("page_view", NOON + MINUTE * 9))

    drain_all()

    assert standing(project)[0] == 35 + 20 + 50 + 5
    assert pending() == 0


def test_rules_published_meanwhile_make_it_begin_anew() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)
    put_in_force(project, scorecard(page_view=1, signup=2))

    drain_all()

    assert standing(project)[0] == 9


def test_its_events_and_crossings_are_told_once() -> None:
    project = make_long_log()
    take_in(project, event("demo_request", NOON - MINUTE), event("signup", NOON - MINUTE * 2))

    with Listener() as heard:
        drain_all()

    assert [crossing[:2] for crossing in heard.crossings] == [("cold", "warm"), ("warm", "hot"), ("hot", "qualified")]
    assert len(heard.attributed) == len(set(heard.attributed)) == 2


def test_a_part_that_cannot_be_written_is_tried_again_later_and_keeps_nobody_waiting() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE), event("signup", user="bob"))

    with mock.patch("scoring.services.projection.replace_part", side_effect=ValueError):
        drain_all()

    assert standing(project, "bob")[0] == 20
    assert LongRefold.objects.get().due_at == LATER + long_refolds.RETRY_DELAY
    drain_all(now=LATER + long_refolds.RETRY_DELAY)
    assert standing(project)[0] == 55


def test_time_leaves_a_lead_alone_that_is_being_folded_again() -> None:
    project = make_project()
    put_in_force(project, scorecard(page_view=5) | {"half_life_days": 1})
    track(project, *(event("page_view", NOON + MINUTE * number) for number in range(7)))
    take_in(project, event("page_view", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)
    entries = ScoreEntry.objects.count()

    fading.fade(range(SLOTS), now=LATER + timedelta(days=9))

    assert ScoreEntry.objects.count() == entries
    drain_all(now=LATER + timedelta(days=9))
    assert LongRefold.objects.count() == 0


def test_the_sweep_wakes_its_queue_though_no_event_is_pending() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)
    assert pending() == 0
    LongRefold.objects.update(due_at=timezone.now() - MINUTE)

    with mock.patch("scoring.wake.wake_again") as woken:
        tasks.sweep()

    assert len(woken.call_args.args[1]) == 1


def test_of_a_crowd_of_events_of_one_lead_a_batch_takes_a_share() -> None:
    project = make_project()
    take_in(project, *(event("page_view", NOON + MINUTE * number) for number in range(9)), now=LATER - MINUTE)
    take_in(project, event("signup", user="bob"))

    with mock.patch("scoring.services.drain.MAX_EVENTS", 6):
        drain(range(SLOTS), now=LATER)

    assert standing(project, "bob")[0] == 20
    assert pending() == 6


def test_a_merge_meanwhile_makes_it_begin_anew_with_the_events_of_both() -> None:
    project = make_long_log()
    track(project, event("demo_request", NOON - MINUTE * 9, user="bob"))
    ada, bob = lead_of(project), lead_of(project, "bob")
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)

    merge_leads(project.pk, bob.pk, ada.pk, by="Eve", now=LATER)
    drain_all()
    stored = projections()
    rescore_leads(project.pk, [ada.pk], now=LATER)

    assert LeadScore.objects.get(lead=ada).score == 35 + 20 + 50
    assert projections() == stored
    assert LongRefold.objects.count() == Refold.objects.count() == pending() == 0


def test_a_lead_that_becomes_part_of_another_meanwhile_leaves_nothing_behind() -> None:
    project = make_project()
    track(project, event("demo_request", NOON - MINUTE * 9, user="bob"))  # the older one survives
    track(project, *(event("page_view", NOON + MINUTE * number) for number in range(7)))
    ada, bob = lead_of(project), lead_of(project, "bob")
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)

    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=LATER)
    drain_all()
    fading.fade(range(SLOTS), now=LATER)
    drain_all()

    assert LeadScore.objects.get(lead=bob).score == 35 + 20 + 50
    assert not LeadScore.objects.filter(lead=ada).exists()
    assert LongRefold.objects.count() == Refold.objects.count() == pending() == 0


def test_what_stops_to_count_meanwhile_makes_it_begin_anew() -> None:
    project = make_long_log()
    take_in(project, event("signup", NOON - MINUTE))
    drain(range(SLOTS), now=LATER)
    ada = lead_of(project)
    unwanted = Event.objects.filter(project=project).order_by("occurred_at")[1]
    Verdict.objects.create(
        event=unwanted, project=project, excluded=True, found=Verdict.Found.BOT, detail="bot", decided_at=LATER
    )

    refold(project.pk, [ada.pk], now=LATER)
    drain_all()

    assert standing(project)[0] == 30 + 20
    assert LongRefold.objects.count() == pending() == 0


def test_quiet_events_are_scored_and_not_told() -> None:
    project = make_long_log()
    take_in(project, event("demo_request", NOON - MINUTE), event("signup", NOON - MINUTE * 2))
    PendingEvent.objects.update(quiet=True)

    with Listener() as heard:
        drain_all()

    assert standing(project) == (105, "qualified")
    assert heard.crossings == []
    assert heard.attributed == []
