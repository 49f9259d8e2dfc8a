"""Reading calls: names, ids, times, traits and everything that clients do differently."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.events import IncomingEvent, Refused
from ingest.core.identity import Name
from ingest.core.segment import Call, event_type_of, parse_call, parse_calls

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_TEXT = "2026-03-01T12:00:00Z"


def read(call: Call = "track", **fields: Any) -> IncomingEvent:
    return parse_call(call, json.dumps({"event": "x", "userId": "1", **fields}).encode())


def batch(*events: Any, **envelope: Any) -> list[IncomingEvent | Refused]:
    return parse_calls(json.dumps({"batch": list(events), **envelope}).encode())


def refused(call: Call = "track", **fields: Any) -> Refused:
    with pytest.raises(Refused) as raised:
        read(call, **fields)
    return raised.value


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Pricing Viewed", "pricing_viewed"),
        ("pricing_viewed", "pricing_viewed"),
        ("  Order  Completed! ", "order_completed"),
        ("Café: Menü geöffnet", "cafe_menu_geoffnet"),
        ("ＦＵＬＬ width ①", "full_width_1"),
        ("$pageview", "pageview"),
        ("x" * 100, "x" * 64),
        ("Заказ", ""),
        ("🎉", ""),
        ("\x00 \n", ""),
    ],
)
def test_a_free_name_becomes_an_event_type(name: str, stored: str) -> None:
    assert event_type_of(name) == stored


@given(st.text())
def test_a_normal_name_stays_as_it_is(name: str) -> None:
    once = event_type_of(name)

    assert event_type_of(once) == once.rstrip("_")
    assert once.isascii()
    assert len(once) <= 64


@pytest.mark.parametrize("name", ["", "Заказ", None, 7, ["x"]])
def test_a_name_of_which_nothing_is_left_is_refused(name: object) -> None:
    assert refused(event=name).problems[0].pointer == "/event"


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ({"userId": 42}, (Name("user_id", "42"),)),
        ({"userId": 42.0}, (Name("user_id", "42"),)),
        ({"userId": "", "anonymousId": 7}, (Name("anonymous_id", "7"),)),
        ({"userId": "  ", "anonymousId": "a\x00b"}, (Name("anonymous_id", "ab"),)),
        ({"userId": None, "traits": {"email": "Ada@Example.com"}}, (Name("email", "ada@example.com"),)),
        ({"userId": "1", "traits": {"email": "ada@example.com"}}, (Name("user_id", "1"),)),
    ],
)
def test_whose_event_it_is(sent: dict[str, Any], names: tuple[Name, ...]) -> None:
    assert read(**sent).names == names


@pytest.mark.parametrize("user_id", ["", None, True, [], {}, "x" * 255, float("inf"), float("nan"), 10**300])
def test_an_event_of_nobody_is_refused(user_id: object) -> None:
    assert refused(userId=user_id).code == "invalid"


def test_the_previous_id_of_an_alias_is_the_visitor_before_log_in() -> None:
    event = read("alias", userId="ada", previousId="visitor")

    assert event.names == (Name("user_id", "ada"), Name("anonymous_id", "visitor"))
    assert (event.event_type, event.properties) == ("alias", {"previousId": "visitor"})


def test_pages_and_screens_carry_their_name_and_category() -> None:
    assert read("page", name="Home", category="Docs", properties={"path": "/"}).properties == {
        "name": "Home",
        "category": "Docs",
        "path": "/",
    }
    assert [read(call).event_type for call in ("page", "screen", "identify", "group", "alias")] == [
        *("page_view", "screen_view", "identify", "group", "alias")
    ]


def test_the_traits_of_a_group_are_not_the_persons() -> None:
    event = read("group", groupId=7, traits={"name": "Acme"}, context={"traits": {"name": "Ada"}})

    assert event.properties == {"name": "Acme", "groupId": "7"}
    assert event.traits == {"name": "Ada"}


def test_traits_stand_in_either_place_and_the_event_s_own_win() -> None:
    event = read("identify", traits={"name": "Ada"}, context={"traits": {"name": "A.", "plan": "team"}, "ip": "::1"})

    assert (event.traits, event.context) == ({"name": "Ada", "plan": "team"}, {"ip": "::1"})


@pytest.mark.parametrize("empty", [None, [], {}])
def test_an_empty_list_is_what_php_makes_of_an_empty_object(empty: object) -> None:
    event = read(properties=empty, context=empty, traits=empty)

    assert (event.properties, event.context, event.traits) == ({}, {}, {})


@pytest.mark.parametrize(
    "sent",
    [
        {"originalTimestamp": NOON_TEXT, "timestamp": "2020-01-01T00:00:00Z"},
        {"originalTimestamp": None, "timestamp": NOON_TEXT},
        {"originalTimestamp": "yesterday", "timestamp": "2026-03-01T13:00:00+01:00"},
        {"timestamp": NOON.timestamp()},
        {"timestamp": NOON.timestamp() * 1000},
    ],
)
def test_when_it_happened_by_the_clients_clock(sent: dict[str, Any]) -> None:
    assert read(**sent).timestamp == NOON


@pytest.mark.parametrize("time", ["", "soon", -5, True, {}, [], 1e300, float("inf"), "2026-13-45T00:00:00Z"])
def test_a_time_that_cannot_be_read_is_none(time: object) -> None:
    event = read(timestamp=time, sentAt=time)

    assert (event.timestamp, event.sent_at) == (None, None)


def test_when_it_was_sent_is_said_by_the_event_else_the_batch_else_a_header() -> None:
    own = {"type": "track", "event": "x", "userId": "1", "sentAt": NOON_TEXT}
    other = "2026-03-01T13:00:00Z"
    without = own | {"sentAt": None}

    first, second = batch(own, without, sentAt=other)
    (third,) = parse_calls(json.dumps({"batch": [without]}).encode(), sent_at=NOON_TEXT)

    assert isinstance(first, IncomingEvent)
    assert isinstance(second, IncomingEvent)
    assert isinstance(third, IncomingEvent)
    assert (first.sent_at, second.sent_at, third.sent_at) == (NOON, NOON.replace(hour=13), NOON)


def test_the_context_of_a_batch_lies_under_that_of_each_event() -> None:
    event = {"type": "track", "event": "x", "userId": "1", "context": {"app": {"name": "own"}}}

    (found, other) = batch(event, event | {"context": None}, context={"app": {"name": "all", "build": 1}, "ip": "::1"})

    assert isinstance(found, IncomingEvent)
    assert isinstance(other, IncomingEvent)
    assert found.context == {"app": {"name": "own", "build": 1}, "ip": "::1"}
    assert other.context == {"app": {"name": "all", "build": 1}, "ip": "::1"}


def test_the_message_id_is_the_event_id() -> None:
    assert read(messageId="m" * 100).event_id == "m" * 100
    assert read(messageId=7).event_id == "7"
    assert read(messageId="a\x00b").event_id == "ab"


def test_an_event_without_a_message_id_has_the_same_id_at_every_attempt() -> None:
    first = read(properties={"a": 1, "b": 2}, sentAt=NOON_TEXT, writeKey="pk_1", type="track")
    again = read(properties={"b": 2, "a": 1}, sentAt="2026-03-01T12:01:00Z", messageId="")

    assert first.event_id == again.event_id
    assert first.event_id is not None
    assert len(first.event_id) <= 100
    assert read(properties={"a": 1, "b": 3}).event_id != first.event_id
    assert read("page", properties={"a": 1, "b": 2}).event_id != first.event_id


def test_a_message_id_that_is_too_long_decides_alone() -> None:
    long = "m" * 101

    assert read(messageId=long).event_id == read(messageId=long, properties={"more": 1}).event_id
    assert read(messageId=long + "x").event_id != read(messageId=long).event_id


def test_properties_may_be_deeper_than_those_of_native_events_but_not_without_end() -> None:
    def deep(levels: int) -> dict[str, Any]:
        return {"a": deep(levels - 1)} if levels else {}

    assert read(properties=deep(19)).properties == deep(19)
    assert refused(properties=deep(25)).detail.endswith("is nested too deeply")


def test_what_no_database_takes_is_cleaned_or_refused() -> None:
    assert read(properties={"a\x00": "b\x00"}).properties == {"a": "b"}
    assert refused(properties={"a": 2**70}).problems[0].pointer == "/properties/a"
    assert refused(properties={"a": float("nan")}).code == "invalid"
    assert read(something={"a": 2**70}).event_id == read(something={"a": 2**70}).event_id


def test_an_event_larger_than_32_kilobytes_is_refused() -> None:
    assert read(properties={"a": "x" * 32_000}).properties
    assert refused(properties={"a": "x" * 33_000}).code == "too_large"
    assert refused(properties={"a": "é" * 17_000}).code == "too_large"


def test_a_bad_event_does_not_spoil_the_others() -> None:
    good = {"type": "track", "event": "x", "userId": "1"}
    bad: list[Any] = [
        *(None, "x", 7, [], {}, good | {"type": "nonsense"}, good | {"type": ["track"]}, good | {"userId": True}),
        *(good | {"properties": "x"}, good | {"properties": {"a": "x" * 33_000}}, good | {"event": "🎉"}),
    ]

    found = batch(good, *bad, good)

    assert [isinstance(event, Refused) for event in found] == [False, *[True] * len(bad), False]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"7", b"{}", b'{"batch":{}}', b'{"batch":null}', b"\xff"])
def test_a_body_that_is_no_batch_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Refused):
        parse_calls(body)


def test_a_small_body_does_not_become_a_large_one() -> None:
    event = {"type": "track", "event": "x", "userId": "1"}

    with pytest.raises(Refused) as raised:
        batch(*[event] * 1000, context={"a": "x" * 10_000})
    assert (raised.value.code, raised.value.problems[0].pointer) == ("too_large", "/context")
