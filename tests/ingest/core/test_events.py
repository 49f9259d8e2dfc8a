"""Events as clients send them: what is taken, what is refused and in which words, and when an event happened."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.events import (
    EARLIEST,
    FUTURE_TOLERANCE,
    IncomingEvent,
    Refused,
    key_in_body,
    occurred_at,
    parse_batch,
    parse_event,
)
from ingest.core.identity import Name

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def parsed(**fields: Any) -> IncomingEvent:
    return parse_event(json.dumps({"eventType": "signup", "userId": "1", **fields}).encode())


def refusal(body: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        parse_event(body)
    return refused.value


def refusal_of(**fields: Any) -> Refused:
    return refusal(json.dumps({"eventType": "signup", "userId": "1", **fields}).encode())


# --- What is taken -------------------------------------------------------------------------------------------------


def test_event_is_an_alias_of_event_type_and_the_full_name_wins() -> None:
    assert parse_event(b'{"event": "a", "userId": "1"}').event_type == "a"
    assert parse_event(b'{"event": "a", "eventType": "b", "userId": "1"}').event_type == "b"


def test_fields_that_we_do_not_know_are_ignored() -> None:
    assert parsed(apiKey="pk_x", novelty={"deep": [[[[1]]]]}) == parsed()


@pytest.mark.parametrize(
    "field",
    [
        "eventId",
        "leadId",
        "userId",
        "anonymousId",
        "timestamp",
        "sentAt",
        "sessionId",
        "properties",
        "traits",
        "context",
    ],
)
def test_a_field_that_is_null_is_absent(field: str) -> None:
    body = {"eventType": "signup", "email": "a@b.c"}

    assert parse_event(json.dumps(body | {field: None}).encode()) == parse_event(json.dumps(body).encode())


@pytest.mark.parametrize("blank", ["", "  ", "\x00", None])
def test_a_name_that_is_blank_is_absent(blank: str | None) -> None:
    assert parsed(userId=blank, anonymousId="x", email=blank).names == (Name("anonymous_id", "x"),)


def test_names_are_trimmed_and_addresses_made_small() -> None:
    assert parsed(userId=" 1\x00 ", email=" Ada@EXAMPLE.com ").names == (
        Name("user_id", "1"),
        Name("email", "ada@example.com"),
    )


def test_the_properties_of_an_identify_without_traits_are_traits() -> None:
    assert parsed(eventType="identify", properties={"plan": "pro"}).traits == {"plan": "pro"}
    assert parsed(eventType="identify", properties={"plan": "pro"}, traits={}).traits == {}
    assert parsed(properties={"plan": "pro"}).traits == {}


def test_of_two_values_for_one_key_the_last_counts() -> None:
    assert parse_event(b'{"eventType": "a", "eventType": "b", "userId": "1"}').event_type == "b"


def test_a_byte_order_mark_is_ignored() -> None:
    assert parse_event(b'\xef\xbb\xbf{"eventType": "a", "userId": "1"}').event_type == "a"


HALVES = [
    rb"\ud83d",
    rb"\ude00",
    rb"\ud83d\ud83d\ude00",
    rb"\ude00\ud83d\ude00",
    rb"\\\ud83d",
    rb"\\ud83d",
    rb"\ud83d\\",
]


@pytest.mark.parametrize("text", HALVES)
def test_half_an_emoji_is_read_as_the_replacement_character(text: bytes) -> None:
    event = parse_event(b'{"eventType": "a", "userId": "1", "properties": {"title": "' + text + b'"}}')

    as_python_reads_it = json.loads(b'"' + text + b'"')
    assert event.properties["title"] == as_python_reads_it.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_properties_of_five_kilobytes_are_taken_and_one_byte_more_is_not() -> None:
    room = 5 * 1024 - len('{"a":""}')

    assert parsed(properties={"a": "x" * room}).properties == {"a": "x" * room}
    assert refusal_of(properties={"a": "x" * (room + 1)}).code == "too_large"


# --- What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"eventType": "a", "userId": "1"} {}',
        b'{"eventType": "a", "userId": "\xff"}',
        b'{"eventType": "a", "userId": "1", "properties": {"n": ' + b"9" * 5000 + b"}}",
        b'{"eventType": "a", "userId": "1", "properties": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
        b"eventType=a&userId=1",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refusal(body).code == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"', b"true", b"NaN", b'[{"eventType": "a"}]'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert [(found.pointer, found.detail) for found in refusal(body).problems] == [("", "must be an object")]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"eventType": "with space"}, "/eventType"),
        ({"eventType": "line\n"}, "/eventType"),
        ({"eventType": "größe"}, "/eventType"),
        ({"eventType": ""}, "/eventType"),
        ({"eventType": "x" * 65}, "/eventType"),
        ({"eventType": 5}, "/eventType"),
        ({"eventType": None}, "/eventType"),
        ({"eventId": ""}, "/eventId"),
        ({"eventId": "\x00"}, "/eventId"),
        ({"eventId": "x" * 101}, "/eventId"),
        ({"eventId": 5}, "/eventId"),
        ({"userId": 5}, "/userId"),
        ({"userId": True}, "/userId"),
        ({"userId": "x" * 255}, "/userId"),
        ({"anonymousId": ["x"]}, "/anonymousId"),
        ({"email": "nobody"}, "/email"),
        ({"email": "İ" * 200 + "@example.com"}, "/email"),
        ({"leadId": 5}, "/leadId"),
        ({"leadId": "x" * 101}, "/leadId"),
        ({"sessionId": "x" * 101}, "/sessionId"),
        ({"properties": []}, "/properties"),
        ({"properties": "x"}, "/properties"),
        ({"properties": {"a": {"b": {}}}}, "/properties/a/b"),
        ({"properties": {"a": float("nan")}}, "/properties/a"),
        ({"properties": {"a": float("-inf")}}, "/properties/a"),
        ({"properties": {"a": 2**64}}, "/properties/a"),
        ({"properties": {"a": 1e30}}, "/properties/a"),
        ({"traits": {"a": [[1]]}}, "/traits/a/0"),
        ({"context": {"a": {"b": [1]}}}, "/context/a/b"),
        ({"timestamp": 1767225600}, "/timestamp"),
        ({"sentAt": "soon"}, "/sentAt"),
    ],
)
def test_what_is_wrong_is_refused_with_a_pointer_to_it(fields: dict[str, Any], pointer: str) -> None:
    refused = refusal_of(**fields)

    assert (refused.code, [found.pointer for found in refused.problems]) == ("invalid", [pointer])


def test_everything_that_is_wrong_is_said_at_once_in_sentences() -> None:
    refused = refusal(b'{"eventType": 5, "userId": "1", "eventId": ""}')

    assert refused.detail == "/eventType must be a valid string; /eventId must have at least 1 character"


def test_an_event_must_say_whose_it_is() -> None:
    assert (
        refusal(b'{"eventType": "a"}').detail
        == "The body must have one of leadId, userId, anonymousId, email or externalIds"
    )


# --- Batches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["a:b", "", "my crm", "c" * 51])
def test_a_system_that_cannot_be_named_so_is_refused_at_its_place_in_the_words_for_systems(system: str) -> None:
    refused = refusal(json.dumps({"eventType": "signup", "externalIds": {system: "1"}}).encode())

    assert [(found.pointer, found.detail) for found in refused.problems] == [
        (f"/externalIds/{system}", "must be named by 1 to 50 letters, digits, dots, hyphens or underscores")
    ]


def test_a_batch_is_read_one_by_one() -> None:
    good = {"eventType": "a", "userId": "1"}
    events = parse_batch(json.dumps({"events": [good, None, 5, "x", [], {}, good]}).encode())

    assert [isinstance(event, Refused) for event in events] == [False, True, True, True, True, True, False]


def test_half_an_emoji_does_not_cost_the_batch() -> None:
    body = rb'{"events": [{"eventType": "a", "userId": "1"}, {"eventType": "a", "userId": "\ud83d"}]}'

    assert [isinstance(event, Refused) for event in parse_batch(body)] == [False, False]


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"events": null}', b'{"events": {}}', b'{"events": "x"}', b""])
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        parse_batch(body)


def test_a_batch_has_room_for_a_thousand() -> None:
    assert len(parse_batch(json.dumps({"events": [{}] * 1000}).encode())) == 1000
    with pytest.raises(Refused) as refused:
        parse_batch(json.dumps({"events": [{}] * 1001}).encode())
    assert refused.value.code == "too_large"


# --- Keys in bodies ------------------------------------------------------------------------------------------------


def test_a_key_in_the_body_has_two_names() -> None:
    assert key_in_body(b'{"apiKey": "a", "writeKey": "b"}') == "a"
    assert key_in_body(b'{"apiKey": "", "writeKey": "b"}') == "b"
    assert key_in_body(b'{"apiKey": null, "writeKey": "b"}') == "b"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"apiKey": 5}', b'{"apiKey": {"a": 1}}', b"\xff"])
def test_a_body_without_a_usable_key_has_none(body: bytes) -> None:
    assert key_in_body(body) is None


# --- Times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01t10:00:00z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 10:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (" 2026-03-01T10:00:00Z ", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00.1234567891Z", datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-01T10:00:00+05:30", datetime(2026, 3, 1, 4, 30, tzinfo=UTC)),
        ("2026-03-01T10:00:00-0530", datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
        ("2026-03-01T10:00:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", EARLIEST),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_rfc_3339_and_without_a_zone_it_is_utc(text: str, moment: datetime) -> None:
    assert parsed(timestamp=text).timestamp == moment


@pytest.mark.parametrize(
    "value",
    [
        *("", "now", "2026-03-01", "20260301T100000Z", "2026-W09-7", "2026-03-01T10Z", "٢٠٢٦-03-01T10:00:00Z"),
        *("2026-13-01T10:00:00Z", "2026-02-30T10:00:00Z", "2026-03-01T25:00:00Z", "2026-03-01T10:00:00+99:00"),
        *("2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"),
        *("1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01"),
        *(0, 1767225600, 1.5, True, [], {}),
    ],
)
def test_what_is_no_moment_of_the_calendar_since_1970_is_refused(value: object) -> None:
    assert [found.pointer for found in refusal_of(timestamp=value).problems] == ["/timestamp"]


def happened(timestamp: datetime | None, sent_at: datetime | None = None) -> datetime:
    return occurred_at(IncomingEvent(event_type="a", timestamp=timestamp, sent_at=sent_at), received_at=NOW)


def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    assert happened(None) == happened(None, sent_at=NOW - timedelta(days=1)) == NOW


def test_an_event_with_a_time_happened_then_however_long_ago() -> None:
    assert happened(EARLIEST) == EARLIEST
    assert happened(NOW - timedelta(days=1)) == NOW - timedelta(days=1)


def test_five_minutes_ahead_are_taken_and_more_counts_as_now() -> None:
    assert happened(NOW + FUTURE_TOLERANCE) == NOW + FUTURE_TOLERANCE
    assert happened(NOW + FUTURE_TOLERANCE + timedelta(microseconds=1)) == NOW
    assert happened(datetime(9999, 12, 31, tzinfo=UTC)) == NOW


@pytest.mark.parametrize("skew", [timedelta(days=-3650), timedelta(hours=-1), timedelta(0), timedelta(days=3650)])
def test_a_clock_that_is_wrong_is_corrected_by_when_it_says_it_sent(skew: timedelta) -> None:
    assert happened(NOW - timedelta(minutes=3) + skew, sent_at=NOW + skew) == NOW - timedelta(minutes=3)


def test_what_the_correction_leads_out_of_the_calendar_is_kept_inside() -> None:
    assert happened(EARLIEST, sent_at=datetime(9999, 12, 31, tzinfo=UTC)) == EARLIEST
    assert happened(datetime(9999, 12, 31, tzinfo=UTC), sent_at=EARLIEST) == NOW


moments = st.datetimes(min_value=EARLIEST.replace(tzinfo=None), timezones=st.just(UTC))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(moments, st.none() | moments)
def test_every_event_happened_between_1970_and_five_minutes_from_now(
    timestamp: datetime, sent_at: datetime | None
) -> None:
    assert EARLIEST <= happened(timestamp, sent_at) <= NOW + FUTURE_TOLERANCE
