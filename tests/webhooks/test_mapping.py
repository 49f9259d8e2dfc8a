"""Mappings: what they read, what they refuse and where, and that no payload costs more than its size."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core import mapping_lines as lines
from ingest.core.events import IncomingEvent, Refused
from ingest.core.identity import Name
from ingest.core.mapping import MAX_SEARCHES, Ignored, parse_mapping, parse_payload, read
from ingest.core.paths import PathInvalid, path_of
from ingest.core.vendors import VENDORS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from("abc"), inner),
    max_leaves=20,
)
PATHS = ["$", "$.a", "$.b", "$.a.b", "$.a[*]", "$.*", "$.a[?@.b==1]", "$[0]", "$.a[-1:]", "$.c[?@.a && !@.b].c"]


def one(payload: object, **fields: Any) -> Any:
    """Return what a mapping makes of a payload; by default it reads `$.type` and `$.user`."""
    mapping = parse_mapping({"eventType": "$.type", "userId": "$.user", **fields})
    (reading,) = read(mapping, payload, slug="s")
    return reading


def call(**fields: object) -> dict[str, object]:
    return {"type": "signup", "user": "1", **fields}


def mistakes(tree: object) -> list[str]:
    with pytest.raises(Refused) as refused:
        parse_mapping(tree)
    return [problem.pointer for problem in refused.value.problems]


# --- What is refused when it is saved ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("email", "customer.email", "/email/0"),
        ("email", ["$.a", "$..b"], "/email/1"),
        ("eventType", "!", "/eventType"),
        ("eventType", [], "/eventType"),
        ("eventTypes", {"a": "not a type"}, "/eventTypes/a"),
        ("properties", {"plan": "$.a["}, "/properties/plan/0"),
        ("traits", {"a/b": "$.x["}, "/traits/a~1b/0"),
        ("when", [{"path": "x"}], "/when/0/path"),
        ("items", "events", "/items"),
        ("userid", "$.x", "/userid"),
        ("othersIgnored", "yes", "/othersIgnored"),
    ],
)
def test_a_mistake_in_a_mapping_is_told_where_it_is(field: str, value: object, pointer: str) -> None:
    assert mistakes({"eventType": "$.type", "userId": "$.user", field: value}) == [pointer]


def test_a_mapping_that_never_finds_anybody_is_refused() -> None:
    assert mistakes({"eventType": "signup"}) == [""]


@pytest.mark.parametrize("tree", [None, [], "x", 1, {"eventType": {"a": 1}}])
def test_what_is_no_mapping_is_refused(tree: object) -> None:
    assert mistakes(tree)


@pytest.mark.parametrize(
    "path",
    ["$..a", "$.a..b", "$['a','b']", "$.a[?length(@.b) > 1]", "$.a[?match(@.b, '(a+)+b')]", "$.a[?@.b[?@.c]]",
     "$.a[?$.b == 1]", "$.a[?@.*]", "$.a[?@..b]", "a", "", "$.", "$.a[", "$ | $", "$.a[?@.b == 1e999]",
     "$.a[?@.a || @.b || @.c || @.d]", "$." + "a" * 200, "$.a[9999999999999999999]"],
)  # fmt: skip
def test_a_path_that_could_cost_more_than_one_look_at_each_value_is_none(path: str) -> None:
    with pytest.raises(PathInvalid):
        path_of(path)


def test_a_mapping_has_so_many_searching_paths_at_most() -> None:
    many = {str(number): "$.a[*]" for number in range(MAX_SEARCHES + 1)}

    assert mistakes({"eventType": "x", "userId": "$.user", "properties": many}) == [""]


@given(st.text(max_size=220))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    for path in (text, f"$.{text}", f"$[?{text}]"):
        try:
            list(path_of(path).find({"a": [{"b": 1}]}))
        except PathInvalid:
            continue


# --- What is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "event_type"),
    [("Pricing Viewed", "pricing_viewed"), ("invitee.created", "demo_request"), (42, "42"), ("Café", "cafe")],
)
def test_a_type_is_looked_up_or_written_as_ours_are(name: object, event_type: str) -> None:
    assert one(call(type=name), eventTypes={"invitee.created": "demo_request"}).event_type == event_type


def test_types_that_are_not_listed_can_be_left_out() -> None:
    assert isinstance(one(call(), eventTypes={"a": "b"}, othersIgnored=True), Ignored)


@pytest.mark.parametrize(
    ("given_time", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T13:00:00+01:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1772366400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("1772366400", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1772366400123, datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_time_is_text_seconds_or_milliseconds(given_time: object, moment: datetime | None) -> None:
    assert one(call(at=given_time), timestamp="$.at").timestamp == moment


@pytest.mark.parametrize("at", ["yesterday", [], True, -5, "99999999999999999"])
def test_a_time_that_cannot_be_read_is_refused(at: object) -> None:
    refused = one(call(at=at), timestamp="$.at")

    assert [problem.pointer for problem in refused.problems] == ["/timestamp"]


def test_the_first_path_that_finds_something_counts() -> None:
    event = one(call(b="two", c=None), properties={"x": ["$.a", "$.c", "$.b", "fixed"], "y": ["$.a", "fixed"]})

    assert event.properties == {"x": "two", "y": "fixed"}


def test_what_is_not_there_is_left_out() -> None:
    assert one(call(), properties={"x": "$.x"}, traits={"y": "$.y"}).properties == {}


def test_an_address_that_is_none_costs_itself_but_not_the_event() -> None:
    assert one(call(mail="n/a"), email="$.mail").names == (Name("user_id", "1"),)
    assert isinstance(one({"type": "x", "mail": "n/a"}, email="$.mail"), Refused)


@pytest.mark.parametrize("user", [None, "", "  ", {}, [], True, "x" * 255])
def test_an_event_of_nobody_is_refused(user: object) -> None:
    assert isinstance(one(call(user=user)), Refused)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"path": "$.status", "in": ["paid", "free"]}, True),
        ({"path": "$.status", "in": ["free"]}, False),
        ({"path": "$.status", "notIn": ["free"]}, True),
        ({"path": "$.status", "notIn": ["paid"]}, False),
        ({"path": "$.live", "in": ["true"]}, True),
        ({"path": "$.count", "in": ["3"]}, True),
        ({"path": "$.none", "in": ["null"]}, True),
        ({"path": "$.count"}, True),
        ({"path": "$.none"}, False),
        ({"path": "$.missing"}, False),
        ({"path": "$.missing", "notIn": ["x"]}, True),
        ({"path": "$.tags[*]", "in": ["b"]}, True),
    ],
)
def test_only_when_compares_what_a_path_finds_with_words(condition: dict[str, Any], holds: bool) -> None:
    payload = call(status="paid", live=True, count=3, none=None, tags=["a", "b"])

    assert isinstance(one(payload, when=[condition]), IncomingEvent) is holds


def test_an_id_that_is_too_long_is_the_same_every_time_and_another_ones_is_not() -> None:
    first, second = (one(call(id=letter * 300), eventId="$.id").event_id for letter in "ab")

    assert first == one(call(id="a" * 300, more=1), eventId="$.id").event_id
    assert first != second
    assert len(first) <= 100


def test_an_event_that_would_be_too_large_is_refused() -> None:
    assert "bytes" in one(call(x=["y" * 1000] * 40), properties={"x": "$.x"}).detail


# --- What strangers send -------------------------------------------------------------------------------------------


@given(JSON, st.dictionaries(st.sampled_from(["eventId", "timestamp", "userId", "email", "anonymousId"]),
                             st.lists(st.sampled_from(PATHS), min_size=1, max_size=3)),
       st.lists(st.sampled_from(PATHS), min_size=2, max_size=2), st.none() | st.sampled_from(PATHS))  # fmt: skip
def test_whatever_is_read_by_whatever_mapping_is_an_event_or_a_reason(
    payload: Any, named: dict[str, list[str]], values: list[str], items: str | None
) -> None:
    tree = {"eventType": values[0], "properties": {"x": values[1]}, "traits": {"y": "$.a"}, **named, "items": items}
    tree.setdefault("userId", "$.a")
    try:
        payload = parse_payload(json.dumps(payload).encode())
    except Refused:
        return

    for reading in read(parse_mapping(tree), payload, slug="s", webhook_id="w"):
        if isinstance(reading, IncomingEvent):
            assert reading.names
            assert 1 <= len(reading.event_id or "") <= 100
        else:
            assert isinstance(reading, Ignored) or reading.problems


@given(st.dictionaries(st.text(max_size=5), JSON))
def test_the_id_that_is_made_of_a_payload_does_not_depend_on_how_it_is_written(fields: dict[str, Any]) -> None:
    payload = {**fields, "user": "1", "type": "x"}

    assert one(dict(reversed(payload.items()))).event_id == one(payload).event_id
    assert one({**payload, "type": "y"}).event_id != one(payload).event_id


def test_the_worst_mapping_reads_the_worst_payload_in_seconds() -> None:
    costly = "$.a[?@.b!=1 && @.c!=1 && @.d==1].x"
    tree = {
        "eventType": "x",
        "userId": "$.user",
        "properties": {str(number): costly for number in range(MAX_SEARCHES)},
    }
    payload = parse_payload(json.dumps({"user": 1, "a": [0] * 9_990}).encode())

    before = time.process_time()
    read(parse_mapping(tree), payload, slug="s")

    assert time.process_time() - before < 20


NONSENSE = [b"[" * 5_000, b'{"a":' * 5_000, b"9" * 5_000, b'{"a": ' + b"9" * 5_000 + b"}", b"", b"\xff\xfe", b"1",
            b'"x"', b"null", b'{"a": 1e999}', b'{"type": "\\ud800"}']  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE)
def test_a_body_of_nonsense_is_refused_or_read(body: bytes) -> None:
    mapping = parse_mapping({"eventType": "$.type", "userId": "$.a", "properties": {"a": "$.a"}})
    try:
        readings = read(mapping, parse_payload(body), slug="s")
    except Refused as refused:
        readings = [refused]

    assert all(isinstance(reading, Refused) for reading in readings)


# --- As people type it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_mapping_is_the_same_after_it_was_written_and_read(vendor: str) -> None:
    mapping = VENDORS[vendor].mapping
    parsed = parse_mapping(mapping)

    read_back = parse_mapping(
        {
            **mapping,
            "traits": lines.read_named(lines.write_named(mapping.get("traits", {})), pointer=""),
            "properties": lines.read_named(lines.write_named(mapping.get("properties", {})), pointer=""),
            "eventTypes": lines.read_types(lines.write_named(mapping.get("eventTypes", {})), pointer=""),
            "when": lines.read_conditions(lines.write_conditions(mapping.get("when", [])), pointer=""),
        }
    )

    assert read_back == parsed


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("$.type = a, b", {"path": "$.type", "in": ["a", "b"]}),
        ("$.type != a", {"path": "$.type", "notIn": ["a"]}),
        ("$.email", {"path": "$.email"}),
        ("$.a[?@.b == 'x = y'].c = d = e", {"path": "$.a[?@.b == 'x = y'].c", "in": ["d = e"]}),
    ],
)
def test_a_condition_is_a_line(line: str, condition: dict[str, Any]) -> None:
    assert lines.read_conditions(line, pointer="") == [condition]
    assert lines.read_conditions(lines.write_conditions([condition]), pointer="") == [condition]


@pytest.mark.parametrize("line", ["$.a = ", "$.a =", "$.a != , ,"])
def test_a_condition_that_compares_with_nothing_is_refused(line: str) -> None:
    with pytest.raises(Refused):
        lines.read_conditions(line, pointer="/when")


@pytest.mark.parametrize("line", ["plan", "plan =", "= $.x"])
def test_a_line_without_a_name_or_a_value_is_refused(line: str) -> None:
    with pytest.raises(Refused):
        lines.read_named(line, pointer="/traits")
