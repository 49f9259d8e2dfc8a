"""Leads as clients describe them."""

import json
from typing import Any

import pytest

from ingest.core.events import Refused
from ingest.core.identity import Name
from ingest.core.leads import LeadDescription, parse_lead


def described(**fields: Any) -> LeadDescription:
    return parse_lead(json.dumps(fields).encode())


def refused(body: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        parse_lead(body)
    return [(problem.pointer, problem.detail) for problem in refusal.value.problems]


def test_names_and_traits_are_told_apart() -> None:
    found = described(name="Ada", email=" ADA@example.com", userId="1", anonymousId="x", traits={"plan": "pro"})

    assert set(found.names) == {Name("user_id", "1"), Name("email", "ada@example.com"), Name("anonymous_id", "x")}
    assert found.traits == {"name": "Ada", "email": "ada@example.com", "plan": "pro"}


def test_what_is_null_or_blank_is_to_be_forgotten_and_what_is_absent_stays() -> None:
    assert described(name=None, email=None, company="  ").traits == {"name": None, "email": None, "company": None}
    assert described(userId=None, anonymousId=None, traits=None) == LeadDescription(names=())
    assert described() == LeadDescription(names=())


def test_an_address_among_the_traits_is_a_name_too() -> None:
    assert described(traits={"email": "ADA@example.com"}).names == (Name("email", "ada@example.com"),)
    assert described(traits={"email": "nobody"}).names == ()
    assert described(email=None, traits={"email": "ada@example.com"}).names == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b"{", ""),
        (b'{"name": 5}', "/name"),
        (b'{"email": "nobody"}', "/email"),
        (b'{"userId": ""}', "/userId"),
        (b'{"userId": 1}', "/userId"),
        (b'{"currentScore": 100}', "/currentScore"),
        (b'{"a/b~c": 1}', "/a~1b~0c"),
        (b'{"traits": []}', "/traits"),
        (b'{"traits": {"a": {"b": {}}}}', "/traits/a/b"),
        (b'{"name": "' + b"x" * 201 + b'"}', "/name"),
    ],
)
def test_what_cannot_be_said_of_a_lead_is_refused_with_a_pointer(body: bytes, pointer: str) -> None:
    assert [found for found, _ in refused(body)] == [pointer]


def test_a_profile_has_room_for_so_many_traits() -> None:
    assert [pointer for pointer, _ in refused(json.dumps({"traits": dict.fromkeys(map(str, range(201)), 1)}).encode())]
