"""Whose event is it, and who is who?"""

from collections.abc import Mapping
from itertools import count
from uuid import UUID

import pytest

from ingest.core.identity import (
    Guard,
    Identities,
    Name,
    Person,
    Placement,
    Reason,
    Refusal,
    is_email,
    normal_email,
    survivor,
)

ACCOUNT, ADDRESS, BROWSER = Name("user_id", "1"), Name("email", "a@b.c"), Name("anonymous_id", "x")
CRM = Name("external_id", "crm:7")
ADA, BOB = UUID(int=1), UUID(int=2)


def who_is_who(taken: Mapping[Name, UUID] | None = None, *, max_names: int = 500) -> Identities:
    """Return the people whose names these are; new ones get ids from 100 on."""
    people = {lead_id: Person(lead_id=lead_id, members={lead_id}) for lead_id in set((taken or {}).values())}
    for name, lead_id in (taken or {}).items():
        people[lead_id].answers_to(name)
    ids = count(100)
    guard = Guard(max_names=max_names)
    return Identities(guard=guard, new_id=lambda: UUID(int=next(ids)), taken=dict(taken or {}), people=people)


def test_names_that_nobody_has_are_a_new_lead() -> None:
    assert who_is_who().place([BROWSER, ACCOUNT]) == Placement(
        lead_id=UUID(int=100), new=True, attached=(ACCOUNT, BROWSER)
    )


def test_a_known_name_finds_its_lead_and_brings_the_others_with_it() -> None:
    assert who_is_who({BROWSER: ADA}).place([ACCOUNT, BROWSER]) == Placement(lead_id=ADA, attached=(ACCOUNT,))


@pytest.mark.parametrize(
    ("stronger", "weaker"), [(ACCOUNT, ADDRESS), (ADDRESS, BROWSER), (ACCOUNT, BROWSER), (ACCOUNT, CRM), (CRM, ADDRESS)]
)
def test_the_stronger_name_wins_and_the_weaker_stays_with_its_lead(stronger: Name, weaker: Name) -> None:
    people = who_is_who({stronger: BOB, weaker: ADA})

    assert people.place([weaker, stronger]) == Placement(lead_id=BOB)
    assert people.place([weaker]) == Placement(lead_id=ADA)


def test_a_name_that_is_given_twice_is_attached_once() -> None:
    assert who_is_who().place([ACCOUNT, ACCOUNT]).attached == (ACCOUNT,)


def test_an_event_that_joins_makes_the_visitor_part_of_the_user() -> None:
    people = who_is_who({BROWSER: ADA, ACCOUNT: BOB})

    placement = people.place([BROWSER, ACCOUNT], joins=True)

    assert (placement.lead_id, placement.merges) == (BOB, ((ADA, BOB),))
    assert people.home(ADA) == BOB
    assert people.place([BROWSER]) == Placement(lead_id=ADA)  # which stands for nobody but Bob now


@pytest.mark.parametrize("name", [ACCOUNT, ADDRESS, CRM])
def test_the_known_lead_survives_however_young(name: Name) -> None:
    assert who_is_who({BROWSER: ADA, name: BOB}).place([BROWSER, name], joins=True).merges == ((ADA, BOB),)


def test_of_two_that_are_known_the_older_survives() -> None:
    assert who_is_who({ADDRESS: ADA, ACCOUNT: BOB}).place([ADDRESS, ACCOUNT], joins=True).merges == ((BOB, ADA),)


def test_of_two_that_are_unknown_the_older_survives() -> None:
    one, other = (Person(lead_id=lead_id, members={lead_id}) for lead_id in (BOB, ADA))

    assert survivor(one, other) == (other, one)


def test_several_leads_become_one() -> None:
    people = who_is_who({BROWSER: UUID(int=3), ADDRESS: BOB, ACCOUNT: ADA})

    people.place([BROWSER, ADDRESS, ACCOUNT], joins=True)

    assert {people.home(lead_id) for lead_id in (ADA, BOB, UUID(int=3))} == {ADA}
    assert people.people[ADA].members == {ADA, BOB, UUID(int=3)}


def test_two_users_stay_two() -> None:
    other = Name("user_id", "2")
    people = who_is_who({ADDRESS: ADA, other: ADA, ACCOUNT: BOB})

    placement = people.place([ACCOUNT, ADDRESS], joins=True)

    assert placement.merges == ()
    assert placement.refused == (Refusal(name=ADDRESS, reason=Reason.OTHER_USER, other=ADA),)


@pytest.mark.parametrize("joins", [False, True])
def test_somebody_else_who_logs_in_at_the_same_browser_is_somebody_else(joins: bool) -> None:
    people = who_is_who({BROWSER: ADA, Name("user_id", "ada"): ADA})

    placement = people.place([BROWSER, Name("user_id", "bob")], joins=joins)

    assert (placement.new, placement.attached) == (True, (Name("user_id", "bob"),))
    assert placement.refused == (Refusal(name=BROWSER, reason=Reason.OTHER_USER, other=ADA),)


@pytest.mark.parametrize(
    "value", ["undefined", "NULL", "0", " None ", "[object Object]", "anonymous", "test@example.com", "Test@x.y"]
)
def test_a_name_that_means_nobody_joins_nothing(value: str) -> None:
    name = Name("email" if "@" in value else "user_id", value)
    people = who_is_who({name: ADA, BROWSER: BOB})

    placement = people.place([name, BROWSER], joins=True)

    assert (placement.lead_id, placement.merges) == (BOB, ())
    assert placement.refused == (Refusal(name=name, reason=Reason.BLOCKED),)


def test_a_name_that_means_nobody_is_a_lead_of_its_own_when_there_is_no_other() -> None:
    name = Name("user_id", "undefined")

    assert who_is_who().place([name]) == Placement(lead_id=UUID(int=100), new=True, attached=(name,))


def test_an_external_id_is_blocked_by_its_value_whatever_the_system() -> None:
    assert Guard().blocks(Name("external_id", "hubspot:undefined"))
    assert not Guard().blocks(Name("external_id", "hubspot:42"))


def test_a_lead_with_many_names_gets_no_more() -> None:
    people = who_is_who({ACCOUNT: ADA, ADDRESS: ADA}, max_names=2)

    placement = people.place([ACCOUNT, BROWSER])

    assert (placement.lead_id, placement.attached) == (ADA, ())
    assert placement.refused == (Refusal(name=BROWSER, reason=Reason.LIMIT),)


def test_leads_with_too_many_names_together_stay_two() -> None:
    people = who_is_who({ACCOUNT: ADA, ADDRESS: ADA, BROWSER: BOB}, max_names=2)

    placement = people.place([ACCOUNT, BROWSER], joins=True)

    assert placement.merges == ()
    assert placement.refused == (Refusal(name=BROWSER, reason=Reason.LIMIT, other=BOB),)


def test_what_somebody_took_apart_no_event_joins_again() -> None:
    people = who_is_who({ACCOUNT: ADA, BROWSER: BOB})
    people.separated = {frozenset((ADA, BOB))}

    placement = people.place([ACCOUNT, BROWSER], joins=True)

    assert placement.merges == ()
    assert placement.refused == (Refusal(name=BROWSER, reason=Reason.SEPARATED, other=BOB),)


def test_an_event_that_says_which_lead_it_is_about_gives_it_the_free_names() -> None:
    people = who_is_who({ACCOUNT: ADA, BROWSER: BOB})

    placement = people.place([ADDRESS, BROWSER], lead_id=ADA)

    assert placement == Placement(lead_id=ADA, attached=(ADDRESS,))


def test_a_second_user_id_is_not_given_to_a_lead() -> None:
    placement = who_is_who({ACCOUNT: ADA}).place([Name("user_id", "2")], lead_id=ADA)

    assert placement == Placement(lead_id=ADA, refused=(Refusal(name=Name("user_id", "2"), reason=Reason.OTHER_USER),))


@pytest.mark.parametrize("text", ["a@b", " Ada@Example.com ", "ö@ü.de", "a" * 252 + "@b"])
def test_an_address_is_something_an_at_sign_and_something(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    ["", "@", "a@", "@b", "a b@c", "a@b@c", "a\x00@b", "a@b\nc@d", "a@b\x01", "\x7f@b", "a@b\x9b1m", "a" * 253 + "@b"],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert not is_email(text)


def test_an_address_that_grows_too_long_when_made_small_is_none() -> None:
    text = "İ" * 200 + "@example.com"

    assert len(text) < 254 < len(normal_email(text))
    assert not is_email(text)
