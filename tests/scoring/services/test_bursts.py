"""Clicks of mail gateways, through storing and scoring: whatever order they come in, they end as if never there."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.core.events import IncomingEvent
from ingest.models import BotFilter, Event, PendingEvent, Verdict
from ingest.services import pending
from scoring.observations import observe
from scoring.services.verification import verify_leads
from scoring.timelines import timeline_of
from tests.scoring.builders import (
    LATER,
    NOON,
    Listener,
    drain_all,
    event,
    history,
    lead_of,
    make_project,
    put_in_force,
    scorecard,
    standing,
    take_in,
    track,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def click(link: str, at: datetime) -> IncomingEvent:
    return event("email_click", at, event_id=f"click {link} {at:%M%S%f}", url=link)


def burst(at: datetime = NOON) -> list[IncomingEvent]:
    return [
        click("/a", at),
        click("/b", at + SECOND / 2),
        event("email_open", at + SECOND / 2, event_id="their open"),
        click("/c", at + SECOND),
    ]


def excluded() -> set[str]:
    return set(Verdict.objects.filter(excluded=True).values_list("event__event_id", flat=True))


def test_a_burst_in_one_request_never_scores() -> None:
    project = make_project()

    track(project, *burst())

    assert standing(project) == (Decimal(0), "cold")
    assert len(excluded()) == 4
    assert not PendingEvent.objects.exists()


def test_what_has_scored_already_is_taken_back_when_the_burst_shows() -> None:
    project = make_project()
    put_in_force(project, scorecard(email_click=7))
    first, *others = burst()
    track(project, event("signup", NOON - SECOND, event_id="before"), first)
    assert standing(project)[0] == Decimal(7)

    track(project, *others, event("email_click", NOON + 60 * SECOND, event_id="reader", url="/a"))

    assert standing(project)[0] == Decimal(7)
    assert [line[0] for line in history(project)] == ["email_click"]
    assert verify_leads(project.pk, [lead_of(project).pk]) == []


def test_a_burst_that_is_taken_back_fires_nothing() -> None:
    project = make_project()
    put_in_force(project, scorecard(email_click=30))
    first, *others = burst()
    track(project, first)

    with Listener() as heard:
        track(project, *others)

    assert standing(project) == (Decimal(0), "cold")
    assert heard.crossings == []


def test_a_person_who_opens_two_links_in_a_hurry_is_scored() -> None:
    project = make_project()

    track(project, event("email_open", NOON), click("/a", NOON), click("/b", NOON + SECOND))

    assert standing(project)[0] == Decimal(10)
    assert excluded() == set()


def test_different_leads_make_no_burst_together() -> None:
    project = make_project()

    track(project, *[event("email_click", NOON, user=name, url=f"/{name}") for name in ("ada", "bob", "eve")])

    assert excluded() == set()


def test_a_project_can_do_without() -> None:
    project = make_project()
    BotFilter.objects.create(project=project, gateways=False)

    track(project, *burst())

    assert standing(project)[0] == Decimal(10)


def test_a_project_says_what_a_burst_is() -> None:
    project = make_project()
    BotFilter.objects.create(project=project, click_types=["link"], links=2, seconds=1)

    track(project, event("link", NOON, event_id="a", url="/a"), event("link", NOON, event_id="b", url="/b"), *burst())

    assert excluded() == {"a", "b", "their open"}


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_scores_and_ledgers_do_not_depend_on_the_order_of_arrival(seed: int) -> None:
    project = make_project()
    put_in_force(project, scorecard(email_click=3, email_open=3))
    chance = random.Random(seed)
    events = [
        *burst(),
        *burst(NOON + 20 * SECOND)[:2],
        click("/d", NOON + 3.4 * SECOND),
        click("/e", NOON + 3.5 * SECOND),
        click("/f", NOON + 40 * SECOND),
        event("email_open", NOON + 6 * SECOND, event_id="open after"),
        event("email_open", NOON - 2 * SECOND, event_id="open before"),
    ]
    chance.shuffle(events)
    while events:
        portion = [events.pop() for _ in range(min(len(events), chance.randint(1, 4)))]
        take_in(project, *portion)
        if chance.random() < 0.7:
            drain_all()
    drain_all()

    assert len(excluded()) == 8, sorted(excluded())
    assert standing(project)[0] == Decimal(3 * (Event.objects.count() - 8))
    assert verify_leads(project.pk, [lead_of(project).pk]) == []


def test_a_bot_that_says_so_is_no_part_of_a_burst_in_either_order() -> None:
    for number, order in enumerate((slice(None), slice(None, None, -1))):
        project = make_project(f"Project {number}")
        known = IncomingEvent(
            event_id="known",
            event_type="email_click",
            names=event("x").names,
            timestamp=NOON,
            properties={"url": "/z"},
            context={"userAgent": "Barracuda Sentinel (EE)"},
        )
        for each in [click("/a", NOON), click("/b", NOON), known][order]:
            track(project, each)

        assert set(Verdict.objects.filter(project=project).values_list("event__event_id", "found")) == {
            ("known", "bot")
        }


def test_looking_for_bursts_costs_a_batch_without_mails_one_query() -> None:
    project = make_project()
    take_in(project, *[event("page_view", NOON, user=str(number)) for number in range(20)])

    with CaptureQueriesContext(connection) as queries:
        drain_all()

    asked = [query["sql"] for query in queries.captured_queries]
    assert len([sql for sql in asked if "botfilter" in sql]) == 1
    assert not [sql for sql in asked if 'FROM "ingest_verdict"' in sql]


def test_a_parked_event_that_was_excluded_meanwhile_is_not_put_back() -> None:
    project = make_project()
    take_in(project, event("signup", NOON, event_id="a"))
    stored = Event.objects.get()
    assert stored.lead_id is not None
    pending.settle([stored.pk])
    Verdict.objects.create(event=stored, project=project, excluded=True, found=Verdict.Found.BOT, decided_at=NOON)

    pending.reopen([(stored.pk, stored.lead_id, False)], now=NOON)

    assert not PendingEvent.objects.exists()


def test_what_a_bot_did_is_no_outcome_and_no_beginning_of_a_prediction() -> None:
    project = make_project()
    track(project, event("page_view", NOON, event_id="a"), event("contract_signed", NOON + SECOND, event_id="b"))
    card = timeline_of(project.pk).latest.primary
    lead_ids = [lead_of(project).pk]
    assert observe(lead_ids, card=card, outcome="contract_signed", now=LATER).leads[0].converted

    signed = Event.objects.get(event_id="b")
    Verdict.objects.create(event=signed, project=project, excluded=True, found=Verdict.Found.BOT, decided_at=NOON)

    assert not observe(lead_ids, card=card, outcome="contract_signed", now=LATER).leads[0].converted
