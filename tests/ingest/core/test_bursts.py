"""Which clicks on the links of mails are those of a machine."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.bursts import BurstRule, MailEvent, in_bursts, link_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = BurstRule()


def mail(number: int, seconds: float, link: str = "", *, event_type: str = "email_click") -> MailEvent:
    at = NOON + timedelta(seconds=seconds)
    return MailEvent(key=UUID(int=number), event_type=event_type, occurred_at=at, link=link)


def numbers(events: list[MailEvent], rule: BurstRule = RULE) -> list[int]:
    return sorted(key.int for key in in_bursts(events, rule))


def test_a_gateway_that_opens_every_link_at_once_is_found() -> None:
    assert numbers([mail(1, 0, "/a"), mail(2, 0.3, "/b"), mail(3, 0.5, "/c"), mail(4, 0.6, "/d")]) == [1, 2, 3, 4]


def test_a_slow_gateway_is_found_by_every_window_it_fills() -> None:
    steady = [mail(number, 1.5 * number, f"/{number}") for number in range(1, 8)]

    assert numbers(steady) == [1, 2, 3, 4, 5, 6, 7]


def test_a_person_who_opens_two_links_in_a_hurry_is_a_person() -> None:
    assert numbers([mail(1, 0, "/a"), mail(2, 0.4, "/b")]) == []


def test_a_person_who_reads_between_links_is_a_person() -> None:
    assert numbers([mail(1, 0, "/a"), mail(2, 2, "/b"), mail(3, 4, "/c"), mail(4, 6, "/d")]) == []


def test_who_clicks_one_link_many_times_is_impatient_and_a_person() -> None:
    assert numbers([mail(number, number / 10, "/a") for number in range(1, 9)]) == []


def test_clicks_that_name_no_link_are_never_different_ones() -> None:
    assert numbers([mail(number, 0) for number in range(1, 9)]) == []


def test_an_open_in_the_middle_of_a_burst_belongs_to_it_and_one_later_to_the_reader() -> None:
    burst = [mail(1, 0, "/a"), mail(2, 1, "/b"), mail(3, 2, "/c")]
    opens = [mail(4, -1, event_type="email_open"), mail(5, 60, event_type="email_open")]

    assert numbers([*burst, *opens]) == [1, 2, 3, 4]


def test_the_click_of_the_reader_after_the_gateway_counts() -> None:
    assert numbers([mail(1, 0, "/a"), mail(2, 0, "/b"), mail(3, 0, "/c"), mail(4, 90, "/a")]) == [1, 2, 3]


def test_other_events_between_the_clicks_are_none_of_it() -> None:
    events = [mail(1, 0, "/a"), mail(2, 1, "/b"), mail(3, 1, "/c", event_type="page_view")]

    assert numbers(events) == []


def test_a_project_decides_what_a_burst_is() -> None:
    rule = BurstRule(click_types=frozenset({"opened_link"}), links=2, seconds=1)
    events = [mail(1, 0, "/a", event_type="opened_link"), mail(2, 1, "/b", event_type="opened_link")]

    assert numbers(events, rule) == [1, 2]
    assert numbers(events) == []


@pytest.mark.parametrize(
    ("properties", "link"),
    [
        ({"url": "https://a.example/x?y=1"}, "https://a.example/x?y=1"),
        ({"link_id": 7}, "7"),
        ({"href": "/a", "url": ""}, "/a"),
        ({"url": True}, ""),
        ({"url": {"a": 1}}, ""),
        ({}, ""),
    ],
)
def test_a_link_is_known_by_its_address_or_its_id(properties: dict[str, object], link: str) -> None:
    assert link_of(properties) == link


def _mails() -> st.SearchStrategy[list[MailEvent]]:
    one = st.tuples(
        st.integers(0, 200).map(lambda tenths: tenths / 10),
        st.sampled_from(["", "/a", "/b", "/c", "/d"]),
        st.sampled_from(["email_click", "email_click", "email_open", "page_view"]),
    )
    return st.lists(one, max_size=14).map(
        lambda rows: [mail(number, at, link, event_type=kind) for number, (at, link, kind) in enumerate(rows)]
    )


@given(_mails(), st.randoms(use_true_random=False))
def test_it_depends_on_the_events_and_not_on_their_order(events: list[MailEvent], chance: "st.DataObject") -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert in_bursts(shuffled, RULE) == in_bursts(events, RULE)


@given(_mails())
def test_asking_about_the_surroundings_of_each_event_as_it_comes_finds_all_there_is(events: list[MailEvent]) -> None:
    found: set[UUID] = set()
    for count, newest in enumerate(events, start=1):
        around = [each for each in events[:count] if abs(each.occurred_at - newest.occurred_at) <= RULE.reach]
        found |= in_bursts(around, RULE)

    assert found == in_bursts(events, RULE)


@given(_mails())
def test_every_window_that_is_too_quick_is_found_and_nothing_else(events: list[MailEvent]) -> None:
    clicks = [event for event in events if event.event_type == "email_click"]
    windows = [
        [other for other in clicks if timedelta(0) <= other.occurred_at - click.occurred_at <= RULE.window]
        for click in clicks
    ]
    hasty = {each.key for window in windows if len({each.link for each in window}) >= RULE.links for each in window}

    assert {key for key in in_bursts(events, RULE) if key in {click.key for click in clicks}} == hasty
