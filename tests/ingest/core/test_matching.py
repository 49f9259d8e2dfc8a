"""Two spellings of one person share a key, and two people do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.matching import Kind, match_keys, normal_address, normal_company, normal_name, normal_phone

TEXTS = st.text(max_size=40)
LOCALS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
WORDS = st.lists(st.text(alphabet="abcdefgäöéñøłxyz", min_size=1, max_size=10), min_size=1, max_size=5)


def keys(**known: Any) -> dict[str, str]:
    lead = {"name": "", "email": "", "company": "", "traits": {}} | known
    return {str(kind): key for kind, key in match_keys(**lead)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada.Lovelace@gmail.com", "adalovelace@googlemail.com"),
        ("ada.lovelace+news@gmail.com", "adalovelace@gmail.com"),
        ("ada+news@example.org", "ada@example.org"),
        ("ADA@EXAMPLE.ORG", "ada@example.org"),
        (" ada@example.org. ", "ada@example.org"),
        ("info@bücher.de", "info@xn--bcher-kva.de"),
        ("info@BÜCHER.de", "info@bu\u0308cher.de"),
        ("ada@example.org", "ａｄａ@example.org"),
    ],
)
def test_spellings_of_one_address_are_one(one: str, other: str) -> None:
    assert normal_address(one) == normal_address(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada.lovelace@example.org", "adalovelace@example.org"),
        ("ada@example.org", "ada@example.com"),
        ("ada@example.org", "bob@example.org"),
        ("ada@gmail.com", "ada@gmail.de"),
        ("jürgen@example.org", "jurgen@example.org"),
        ("+a@example.org", "+b@example.org"),
        ("ada-news@example.org", "ada@example.org"),
    ],
)
def test_different_addresses_stay_different(one: str, other: str) -> None:
    assert normal_address(one) != normal_address(other)


@pytest.mark.parametrize("nothing", ["", " ", "@", "ada", "ada@", "@example.org", "ada@.", "\x00"])
def test_what_is_no_address_matches_nothing(nothing: str) -> None:
    assert normal_address(nothing) == ""
    assert keys(email=nothing) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ada Lovelace", "Engines Ltd"), ("ADA  LOVELACE", "engines")),
        (("Ada Lovelace", "Engines"), ("Lovelace, Ada", "Engines, Inc.")),
        (("Jürgen Müller", "Bäcker GmbH"), ("Jurgen Muller", "Backer G.m.b.H.")),
        (("Søren Łukasz", "Rød ApS"), ("Soren Lukasz", "Rod")),
        (("Strauß", "Söhne GmbH & Co. KG"), ("Strauss", "Sohne")),
        (("Conan O’Brien", "Smith & Sons"), ("Conan OBrien", "Smith and Sons Limited")),
        (("Jean-Luc Picard", "Enterprise S.A."), ("Picard Jean Luc", "Enterprise SA")),
    ],
)
def test_spellings_of_one_person_at_one_company_are_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = (keys(name=name, company=company) for name, company in (one, other))

    assert first == second != {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ada Lovelace", "Engines"), ("Ada Lovelace", "Motors")),
        (("Ada Lovelace", "Engines"), ("Ada Byron", "Engines")),
        (("Ada Lovelace", "Engines"), ("Adam Lovelace", "Engines")),
        (("Ada", "Lovelace Engines"), ("Ada Lovelace", "Engines")),
        (("राम", "Engines"), ("रमा", "Engines")),
        (("李雷", "Engines"), ("韩梅梅", "Engines")),
        (("Ada Lovelace", "Limited"), ("Ada Lovelace", "GmbH")),
    ],
)
def test_different_people_stay_different(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = (keys(name=name, company=company) for name, company in (one, other))

    assert first != second


@pytest.mark.parametrize(
    ("name", "company"), [("", ""), ("Ada", ""), ("", "Engines"), ("...", "Engines"), ("Ada", " - ")]
)
def test_without_a_name_or_a_company_nothing_matches(name: str, company: str) -> None:
    assert keys(name=name, company=company) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+49 30 1234567", "0049-30/1234567"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+1 (555) 123-4567", 15551234567),
        ("٠٣٠١٢٣٤٥٦٧", "030 1234567"),
    ],
)
def test_spellings_of_one_number_are_one(one: object, other: object) -> None:
    assert normal_phone(one) == normal_phone(other) != ""


@pytest.mark.parametrize("nothing", ["", "none", "110", "000 000 0000", "1111111", None, True, 1.5, {}, []])
def test_what_is_no_number_matches_nothing(nothing: object) -> None:
    assert normal_phone(nothing) == ""


@pytest.mark.parametrize(("one", "other"), [("030 1234567", "030 1234568"), ("030 1234567 ext 1", "030 1234567 ext 2")])
def test_different_numbers_stay_different(one: str, other: str) -> None:
    assert normal_phone(one) != normal_phone(other)


@pytest.mark.parametrize("trait", ["phone", "phone_number", "phoneNumber", "mobile"])
def test_a_number_is_found_under_the_traits_that_clients_use(trait: str) -> None:
    assert keys(traits={trait: "+49 30 1234567"}) == keys(traits={"phone": "+49 30 1234567"})
    assert keys(traits={trait: "+49 30 1234567"}).keys() == {Kind.PHONE}


@given(TEXTS)
def test_normalising_what_is_normal_changes_nothing(text: str) -> None:
    for normal in (normal_name, normal_company, normal_phone):
        assert normal(normal(text)) == normal(text)


@given(TEXTS, st.sampled_from(["gmail.com", "googlemail.com", "bücher.de", "example.org"]))
def test_a_normal_address_is_normal(local: str, domain: str) -> None:
    for address in (local, f"{local}@{domain}"):
        assert normal_address(normal_address(address)) == normal_address(address)


@given(LOCALS, LOCALS, st.integers(min_value=0, max_value=12))
def test_dots_tags_and_case_do_not_matter_to_gmail(local: str, tag: str, place: int) -> None:
    dotted = f"{local[:place]}.{local[place:]}" if 0 < place < len(local) else local

    assert normal_address(f"{dotted}+{tag}@GoogleMail.com".upper()) == f"{local}@gmail.com"


@given(LOCALS, LOCALS)
def test_two_mailboxes_never_become_one(one: str, other: str) -> None:
    same = normal_address(f"{one}@gmail.com") == normal_address(f"{other}@gmail.com")

    assert same == (one == other)


@given(WORDS, st.data())
def test_the_order_and_case_of_words_do_not_matter(words: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(words))

    for normal in (normal_name, normal_company):
        assert normal(" ".join(words)) == normal("  ".join(shuffled).upper())


@given(TEXTS, TEXTS, TEXTS, st.dictionaries(st.sampled_from(["phone", "mobile", "x"]), st.integers() | TEXTS))
def test_whatever_is_known_gives_at_most_one_short_key_of_each_kind(
    name: str, email: str, company: str, traits: dict[str, object]
) -> None:
    found = match_keys(name=name, email=email, company=company, traits=traits)

    assert len({kind for kind, _ in found}) == len(found) <= 3
    assert all(len(key) == 32 for _, key in found)
