"""Whose event is it? The names an event carries, and the decision which lead they mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class Name(NamedTuple):
    """A name by which a client knows a lead, such as `("user_id", "42")`."""

    kind: str
    value: str


# The strongest first: an account outlives an address, and an address outlives a browser.
STRENGTH = ("user_id", "email", "anonymous_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Which lead the names mean (`None`: nobody yet), and which of them are still free to be attached to it."""

    lead_id: UUID | None
    free: tuple[Name, ...]


def resolve(names: Sequence[Name], taken: Mapping[Name, UUID]) -> Resolution:
    """Return the lead that the strongest known name means.

    A weaker name that means somebody else stays theirs: attaching never moves a name from one lead to another.
    """
    ordered = sorted(names, key=lambda name: STRENGTH.index(name.kind))
    known = [taken[name] for name in ordered if name in taken]
    return Resolution(
        lead_id=known[0] if known else None,
        free=tuple(dict.fromkeys(name for name in ordered if name not in taken)),
    )


MAX_LENGTH = 254
_EMAIL = re.compile(r"[^@\s\x00]+@[^@\s\x00]+")


def is_email(text: str) -> bool:
    """Return whether the text can be an e-mail address: something, an @, something, and not too long.

    It is measured as it will be stored: some letters grow when they are made small.
    """
    return len(normal_email(text)) <= MAX_LENGTH and _EMAIL.fullmatch(text.strip()) is not None


def normal_email(address: str) -> str:
    """Return an e-mail address in the spelling it is compared by."""
    return address.strip().lower()
