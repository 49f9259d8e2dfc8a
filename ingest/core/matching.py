"""Might two leads be one person? Keys that two spellings of the same address, name or number have in common.

A key is a digest, so that it is short and tells nobody anything. That two leads share one is a suspicion, no proof.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

from ingest.core.identity import is_email


class Kind(StrEnum):
    """What two leads have in common. The strongest first."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Kind.EMAIL: "The same e-mail address in another spelling",
    Kind.PHONE: "The same phone number",
    Kind.NAME: "The same name and company",
}

# Of more leads than this with one key none is a duplicate: it is the number of a switchboard, or “Test, Test”.
MAX_GROUP = 20
KEY_LENGTH = 32
_PHONE_TRAITS = ("phone", "phone_number", "phoneNumber", "mobile")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
# Forms of companies and the words that join them to names; nobody is told from somebody else by them.
_LEGAL = frozenset(
    [
        "ab",
        "ag",
        "aps",
        "as",
        "asa",
        "bv",
        "bvba",
        "co",
        "company",
        "corp",
        "corporation",
        "eg",
        "ek",
        "ev",
        "gbr",
        "gesmbh",
        "gmbh",
        "inc",
        "incorporated",
        "kft",
        "kg",
        "kgaa",
        "limited",
        "llc",
        "llp",
        "lp",
        "ltd",
        "mbh",
        "nv",
        "og",
        "ohg",
        "doo",
        "ooo",
        "oy",
        "oyj",
        "plc",
        "pte",
        "pty",
        "sa",
        "sarl",
        "sas",
        "sasu",
        "se",
        "sl",
        "sp",
        "spa",
        "srl",
        "sro",
        "ug",
        "zrt",
        "and",
        "und",
        "et",
    ]
)
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_ACCENTS = re.compile("[\u0300-\u036f]")  # not the vowel signs of other scripts, which tell words apart
_NOTHING = re.compile(r"[.'’`´]")  # G.m.b.H., O’Brien
_EXTENSION_ZERO = re.compile(r"\(\s*0\s*\)")  # +44 (0) 20 …: dialled at home only
_MIN_DIGITS = 7
_TOO_LARGE = 10**20


class MatchKey(NamedTuple):
    """What a lead shares with its possible duplicates: a kind, and a digest of the normal spelling."""

    kind: Kind
    key: str


def match_keys(*, name: str, email: str, company: str, traits: Mapping[str, Any]) -> frozenset[MatchKey]:
    """Return the keys of what is known of a lead, at most one of each kind; none of what is empty."""
    found = {
        Kind.EMAIL: normal_address(email),
        Kind.NAME: normal_person(name, company),
        Kind.PHONE: next((phone for trait in _PHONE_TRAITS if (phone := normal_phone(traits.get(trait)))), ""),
    }
    return frozenset(MatchKey(kind, _digest(f"{kind}:{text}")) for kind, text in found.items() if text)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_LENGTH // 2).hexdigest()


def normal_address(address: str) -> str:
    """Return the mailbox that an e-mail address reaches: without case, `+tag`, Gmail's dots and Unicode in the domain.

    Empty for what is no address.
    """
    folded = _folded(address, keep_accents=True).strip() if address else ""
    if not is_email(folded):
        return ""
    local, _, domain = folded.partition("@")
    domain = _ascii_domain(domain.strip("."))
    if not domain:
        return ""
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return f"{local}@{domain}"


def _ascii_domain(domain: str) -> str:
    """Return a domain as the DNS knows it (`bücher.de` is `xn--bcher-kva.de`); as it is if the DNS cannot."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain


def normal_person(name: str, company: str) -> str:
    """Return a name and a company without case, accents, order of words and legal form; empty if either is."""
    if not name or not company:
        return ""
    person, firm = normal_name(name), normal_company(company)
    return f"{person}, {firm}" if person and firm else ""


def normal_name(name: str) -> str:
    """Return the words of a name in the spelling it is compared by: Lovelace, Ada and ADA LOVELACE are one."""
    return " ".join(sorted(_words(name)))


def normal_company(company: str) -> str:
    """Return the words of a company's name but those of its legal form, unless it has no others."""
    words = _words(company)
    return " ".join(sorted([word for word in words if word not in _LEGAL] or words))


def _words(text: str) -> list[str]:
    folded = _NOTHING.sub("", _folded(text)).replace("&", " and ")
    return "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in folded).split()


def _folded(text: str, *, keep_accents: bool = False) -> str:
    """Return a text without case and presentation forms, and without accents unless they are to be kept."""
    before = None
    while text != before:  # what folds once may fold again: 'İ' becomes 'i' and a dot
        before = text
        text = unicodedata.normalize("NFKD", text.casefold())
        text = unicodedata.normalize("NFKC", text) if keep_accents else _ACCENTS.sub("", text).translate(_UNDECOMPOSED)
    return text


def normal_phone(phone: object) -> str:
    """Return the digits of a phone number, as dialled from anywhere (+49 and 0049 are one); empty for what is none."""
    if isinstance(phone, int) and not isinstance(phone, bool) and 0 < phone < _TOO_LARGE:
        phone = str(phone)
    if not isinstance(phone, str):
        return ""
    text = _EXTENSION_ZERO.sub("", phone[:100])
    digits = "".join(
        str(unicodedata.decimal(letter)) for letter in text if unicodedata.decimal(letter, None) is not None
    )
    while digits.startswith("00"):
        digits = digits[2:]
    return digits if len(digits) >= _MIN_DIGITS and len(set(digits)) > 1 else ""
