"""The original's documents in our terms: whatever stands in them, an event, a lead or a reason, never an exception."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.objectid import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.identity import Name
from leadscore.legacy.translation import (
    LegacyEvent,
    LegacyLead,
    LegacyProject,
    LegacyStep,
    Skip,
    event_of,
    lead_event_id,
    lead_of,
    plain,
    project_of,
    rules_of,
    ruleset_of,
    step_of,
)
from scoring.core.ruleset import parse_ruleset
from tests.legacy.original import ACME, ADA, NOON, OLD_KEY, event, lead, oid, rule

STAGES = {"hot": Decimal(31), "cold": Decimal(0)}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(max_size=20),
    st.datetimes(),
    st.just(ObjectId("65a0000000000000000000ff")),
    st.just(bson.Decimal128("NaN")),
    st.just(bson.Decimal128("12.5")),
    st.just(bson.Regex("a")),
    st.just(bson.MinKey()),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)
FIELDS = (
    *("_id", "projectId", "leadId", "lead", "eventId", "eventType", "event", "timestamp", "createdAt", "properties"),
    *("metadata", "processed", "sessionId", "anonymousId", "userId", "email", "name", "company", "traits", "apiKey"),
    *("rateLimit", "active", "points", "delta", "oldScore", "newScore", "currentScore", "leadStage", "status"),
)
documents = st.dictionaries(st.sampled_from(FIELDS), values)


@given(document=documents)
def test_no_document_raises(document: dict[str, Any]) -> None:
    for translate, kind in (
        (project_of, LegacyProject),
        (lead_of, LegacyLead),
        (event_of, LegacyEvent),
        (step_of, LegacyStep),
    ):
        assert isinstance(translate(document), (kind, Skip))


@given(found=st.lists(documents, max_size=5))
def test_any_rules_make_a_ruleset_that_can_be_published(found: list[dict[str, Any]]) -> None:
    rules, skipped = rules_of(found)

    assert len(rules) + len(skipped) == len(found)
    parse_ruleset(ruleset_of([rule for _, rule in rules], STAGES))


def test_an_event_keeps_its_id_type_time_and_properties() -> None:
    told = event_of(event(1, ADA, "signup", hours=2, sessionId="s1", properties={"plan": "pro", "by": ADA, "at": NOON}))

    assert isinstance(told, LegacyEvent)
    assert (told.project, told.lead, told.scored) == (str(ACME), str(ADA), True)
    assert (told.event.event_id, told.event.event_type, told.event.session_id) == ("event-1", "signup", "s1")
    assert told.event.timestamp == datetime(2026, 1, 10, 14, tzinfo=UTC)
    assert told.event.properties == {"plan": "pro", "by": str(ADA), "at": "2026-01-10T12:00:00Z"}
    assert told.event.names == (Name("anonymous_id", f"anon-{ADA}"),)


def test_the_first_generations_fields_are_read_too() -> None:
    told = event_of({"_id": oid(5), "lead": ADA, "event": "Pricing Viewed", "metadata": {"a": 1}})

    assert isinstance(told, LegacyEvent)
    assert (told.event.event_id, told.event.event_type) == (f"legacy-{oid(5)}", "pricing_viewed")
    assert told.event.timestamp == NOON  # when its ObjectId was made
    assert told.event.properties == {"a": 1}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"eventType": "—"}, "has no type that can be stored"),
        ({"eventType": None}, "has no type that can be stored"),
        ({"leadId": None, "anonymousId": ""}, "belongs to nobody: it has neither a leadId nor an identifier"),
        ({"_id": 1, "timestamp": "soon"}, "has no time"),
        ({"_id": None, "eventId": None}, "has neither an _id nor an eventId"),
    ],
)
def test_an_event_that_cannot_be_used_says_why(changed: dict[str, Any], reason: str) -> None:
    assert event_of({**event(1, ADA, "signup"), **changed}) == Skip(reason=reason)


def test_an_event_whose_properties_cannot_be_stored_comes_without_them_and_is_noted() -> None:
    told = event_of(event(1, ADA, "signup", properties={"text": "x" * 40_000}))

    assert isinstance(told, LegacyEvent)
    assert told.event.properties == {}
    assert "too large" in told.note


def test_a_lead_is_an_event_with_what_it_is_called_and_known_for() -> None:
    told = lead_of(lead(ADA, score=35, name=" Ada ", email="Ada@Example.com", userId=7, leadStage="hot"))

    assert isinstance(told, LegacyLead)
    assert told.event.event_id == lead_event_id(str(ADA))
    assert told.event.names == (
        Name("user_id", "7"),
        Name("email", "ada@example.com"),
        Name("anonymous_id", f"anon-{ADA}"),
    )
    assert told.event.traits == {"name": "Ada", "email": "Ada@Example.com"}
    assert (told.event.kind, told.event.timestamp) == ("profile", NOON)
    assert (told.score, told.stage) == (Decimal(35), "hot")


def test_a_lead_without_any_identifier_is_called_by_its_old_id() -> None:
    told = lead_of({"_id": ADA})

    assert isinstance(told, LegacyLead)
    assert told.event.names == (Name("anonymous_id", f"legacy-{ADA}"),)
    assert told.score is None


def test_a_project_has_the_same_id_each_time_and_keeps_only_a_key_that_can_be_one() -> None:
    told = project_of({"_id": ACME, "name": "Acme", "apiKey": OLD_KEY, "rateLimit": 250})
    odd = project_of({"_id": ACME, "apiKey": "short", "rateLimit": -1})

    assert isinstance(told, LegacyProject)
    assert isinstance(odd, LegacyProject)
    assert (told.name, told.key, told.per_minute) == ("Acme", OLD_KEY, 250)
    assert (odd.key, odd.per_minute) == (None, None)
    assert told.id == odd.id


def test_rules_have_names_of_their_own_and_the_last_for_a_type_counts() -> None:
    rules, skipped = rules_of(
        [rule("signup", 1), rule("Sign Up", 5, name="Signup"), rule("signup", 20), rule("old", 5, active=False)]
    )

    (card,) = ruleset_of([each for _, each in rules], STAGES)["scorecards"]
    assert [(each["name"], each["event"], each["points"]) for each in card["rules"]] == [
        ("Signup", "signup", 20),
        ("Signup (2)", "sign_up", 5),
        ("Old", "old", 5),
    ]
    assert card["rules"][2]["active"] is False
    assert skipped == [Skip(reason="is for the same event type as a later one")]
    assert [stage["name"] for stage in card["stages"]] == ["cold", "hot"]


def test_a_step_of_the_history_may_leave_its_points_to_be_worked_out() -> None:
    assert step_of({"leadId": ADA, "oldScore": 5, "newScore": 25}) == LegacyStep(lead=str(ADA), delta=Decimal(20))
    assert step_of({"leadId": ADA}) == Skip(reason="names no points")


@given(value=values)
def test_every_value_becomes_one_that_json_knows(value: Any) -> None:
    def is_json(found: object) -> bool:
        if isinstance(found, dict):
            return all(isinstance(key, str) and is_json(item) for key, item in found.items())
        if isinstance(found, list):
            return all(map(is_json, found))
        return found is None or type(found) in (bool, int, float, str)

    assert is_json(plain(value))
