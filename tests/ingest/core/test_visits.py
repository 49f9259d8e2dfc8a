"""Which events make a visit, and what they say of the visitor."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.visits import GAP, VisitEvent, device_of, pages_of, remembered_touch, touch_of, visits_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(minute: int = 0, session: str = "", number: int = 0, **context: Any) -> VisitEvent:
    return VisitEvent(
        key=UUID(int=number),
        occurred_at=NOON + timedelta(minutes=minute),
        event_id=str(number),
        session_id=session,
        context=context,
    )


@st.composite
def logs(draw: st.DrawFn) -> list[VisitEvent]:
    drawn = draw(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["", "", "a", "b"])), max_size=30))
    return [event(minute, session, number) for number, (minute, session) in enumerate(drawn)]


@given(logs())
def test_every_event_is_in_exactly_one_visit(log: list[VisitEvent]) -> None:
    found = [each.key for visit in visits_of(log) for each in visit.events]

    assert sorted(found) == sorted(each.key for each in log)


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_given_changes_nothing(log: list[VisitEvent], random: Random) -> None:
    shuffled = log[:]
    random.shuffle(shuffled)

    assert visits_of(shuffled) == visits_of(log)


@given(logs())
def test_a_session_is_never_split_and_never_mixed(log: list[VisitEvent]) -> None:
    visits = visits_of(log)
    sessions = [visit.session_id for visit in visits if visit.session_id]

    assert len(sessions) == len(set(sessions))
    assert all(each.session_id == visit.session_id for visit in visits for each in visit.events)


@given(logs())
def test_without_a_session_half_an_hour_makes_the_difference(log: list[VisitEvent]) -> None:
    visits = [visit for visit in visits_of(log) if not visit.session_id]

    assert all(two.occurred_at - one.occurred_at <= GAP for each in visits for one, two in pairwise(each.events))
    assert all(earlier.ended_at + GAP < later.began_at for later, earlier in pairwise(visits))


def test_a_referrer_counts_only_if_it_is_another_site() -> None:
    page = {"url": "https://www.acme.example/a", "referrer": "https://acme.example/b"}

    assert not touch_of(event(page=page))
    assert touch_of(event(page=page | {"referrer": "https://www.google.com/"})).words == "google.com"


def test_a_touch_is_told_as_people_write_it() -> None:
    campaign = {"source": "google", "medium": "cpc", "name": "spring-sale"}

    assert touch_of(event(campaign=campaign)).words == "google / cpc, spring-sale"
    assert remembered_touch(event(firstTouch={"source": "news"}), "firstTouch").words == "news"
    assert touch_of(event(campaign="text", page=7)).words == ""


def test_pages_are_told_once_in_their_order() -> None:
    assert pages_of([event(page={"path": path}) for path in ("/", "/a", "/", "/b")]) == ("/", "/a", "/b")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537.36", "Chrome on an Android phone"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "a program"),
        ("Something else", "unknown"),
        ("", ""),
    ],
)
def test_a_device_is_told_in_words(agent: str, words: str) -> None:
    assert device_of([event(userAgent=agent)]) == words
