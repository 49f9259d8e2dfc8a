"""Whose event is it?"""

from uuid import UUID

import pytest

from ingest.core.identity import Name, is_email, normal_email, resolve

ACCOUNT, ADDRESS, BROWSER = Name("user_id", "1"), Name("email", "a@b.c"), Name("anonymous_id", "x")
ADA, BOB = UUID(int=1), UUID(int=2)


def test_names_that_nobody_has_are_all_free() -> None:
    found = resolve([BROWSER, ACCOUNT], {})

    assert (found.lead_id, set(found.free)) == (None, {BROWSER, ACCOUNT})


def test_a_known_name_finds_its_lead_and_brings_the_others_with_it() -> None:
    found = resolve([ACCOUNT, BROWSER], {BROWSER: ADA})

    assert (found.lead_id, found.free) == (ADA, (ACCOUNT,))


@pytest.mark.parametrize(("stronger", "weaker"), [(ACCOUNT, ADDRESS), (ADDRESS, BROWSER), (ACCOUNT, BROWSER)])
def test_the_stronger_name_wins_and_the_weaker_stays_with_its_lead(stronger: Name, weaker: Name) -> None:
    found = resolve([weaker, stronger], {stronger: ADA, weaker: BOB})

    assert (found.lead_id, found.free) == (ADA, ())


def test_a_name_that_is_given_twice_is_free_once() -> None:
    assert resolve([ACCOUNT, ACCOUNT], {}).free == (ACCOUNT,)


@pytest.mark.parametrize("text", ["a@b", " Ada@Example.com ", "ö@ü.de", "a" * 252 + "@b"])
def test_an_address_is_something_an_at_sign_and_something(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize("text", ["", "@", "a@", "@b", "a b@c", "a@b@c", "a\x00@b", "a@b\nc@d", "a" * 253 + "@b"])
def test_anything_else_is_no_address(text: str) -> None:
    assert not is_email(text)


def test_an_address_that_grows_too_long_when_made_small_is_none() -> None:
    text = "İ" * 200 + "@example.com"

    assert len(text) < 254 < len(normal_email(text))
    assert not is_email(text)
