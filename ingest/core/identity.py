"""Whose event is it? The names an event carries, whom they mean, and which of them may make two leads one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID


class Name(NamedTuple):
    """A name by which a client knows a lead, such as `("user_id", "42")`."""

    kind: str
    value: str


# The strongest first: an account outlives an address, and an address outlives a browser.
STRENGTH = ("user_id", "external_id", "email", "anonymous_id")
MAX_LENGTH = 254
DEFAULT_MAX_NAMES = 500
# What broken clients and testers send in place of an id.
DEFAULT_BLOCKED = (
    "null", "none", "nil", "undefined", "nan", "0", "-1", "true", "false", "[object object]", "{}", "anonymous",
    "guest", "unknown", "not_authenticated", "id", "user", "user_id", "userid", "distinct_id", "email", "test",
    "test@*",
)  # fmt: skip


class Reason(StrEnum):
    """Why a name was not used."""

    BLOCKED = "blocked"
    OTHER_USER = "other_user"
    LIMIT = "limit"
    SEPARATED = "separated"

    @property
    def label(self) -> str:
        return _REASONS[self]


_REASONS = {
    Reason.BLOCKED: "it names nobody in particular",
    Reason.OTHER_USER: "it belongs to somebody with another user id",
    Reason.LIMIT: "too many names for one lead",
    Reason.SEPARATED: "the two leads were separated by hand",
}


@lru_cache(maxsize=256)
def _pattern(lines: str) -> re.Pattern[str]:
    patterns = [line.strip().lower() for line in lines.splitlines() if line.strip()]
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns) or r"(?!)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What keeps absurd names from joining people: `blocked` patterns, one a line, and how many a lead may have."""

    blocked: str = "\n".join(DEFAULT_BLOCKED)
    max_names: int = DEFAULT_MAX_NAMES

    def blocks(self, name: Name) -> bool:
        """Return whether a name is one that means nobody in particular."""
        value = name.value.rpartition(":")[2] if name.kind == "external_id" else name.value
        return _pattern(self.blocked).fullmatch(value.strip().lower()) is not None


@dataclass(slots=True, kw_only=True)
class Person:
    """A lead that stands for itself, with those merged into it: all `members`, and what their names say."""

    lead_id: UUID
    members: set[UUID]
    names: int = 0
    user_ids: set[str] = field(default_factory=set)
    known: bool = False

    def answers_to(self, name: Name) -> None:
        """Let it answer to one more name."""
        self.names += 1
        self.known = self.known or name.kind != "anonymous_id"
        if name.kind == "user_id":
            self.user_ids.add(name.value)

    def can_be(self, user_id: str) -> bool:
        """Return whether it may be the user of that id: it is, or it is no user yet."""
        return not self.user_ids or user_id in self.user_ids


def survivor(one: Person, other: Person) -> tuple[Person, Person]:
    """Return which of two people survives their merge, and which becomes part of it: the known, then the older one.

    Ids of leads sort by when they were made.
    """
    first, second = sorted((one, other), key=lambda person: (not person.known, person.lead_id))
    return first, second


def why_survives(kept: Person, gone: Person) -> str:
    """Return in words why `survivor` chose the first of two people."""
    if kept.known and not gone.known:
        return "it has a user id or an address, the other only anonymous ids"
    return "it has been known for longer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A name that was not used, why, and which lead it belongs to, if any."""

    name: Name
    reason: Reason
    other: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Whose an event is, and what it says of who is who.

    `lead_id` is the lead that its names were given to, which may since have become part of another. `merges` are
    (absorbed, survivor), each a lead that stands for itself at that moment.
    """

    lead_id: UUID
    new: bool = False
    attached: tuple[Name, ...] = ()
    merges: tuple[tuple[UUID, UUID], ...] = ()
    refused: tuple[Refusal, ...] = ()


@dataclass(slots=True, kw_only=True)
class Identities:
    """The people that a request's events speak of, as they are before the next event.

    `taken` says which lead each known name was given to, `homes` into which lead a lead was merged, `people` the leads
    that stand for themselves, and `separated` the pairs that somebody has taken apart. A person is only needed of leads
    that an event may change: one with several names that do not all mean the same lead already.
    """

    guard: Guard
    new_id: Callable[[], UUID]
    taken: dict[Name, UUID] = field(default_factory=dict)
    homes: dict[UUID, UUID] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    separated: set[frozenset[UUID]] = field(default_factory=set)

    def home(self, lead_id: UUID) -> UUID:
        """Return the lead that stands for this one."""
        return self.homes.get(lead_id, lead_id)

    def place(self, names: Sequence[Name], *, lead_id: UUID | None = None, joins: bool = False) -> Placement:
        """Decide whose an event with these names is, and note what it changes.

        The strongest known name decides, unless the event says which lead it is about. Names nobody has are attached to
        that lead. If the event `joins`, as an `identify` does, the leads of its other names become one with it; if not,
        a name that means somebody else stays theirs.
        """
        ordered = sorted(dict.fromkeys(names), key=lambda name: STRENGTH.index(name.kind))
        if self._is_settled(ordered, lead_id):
            return Placement(lead_id=lead_id or self.taken[ordered[0]])
        usable, refused = self._usable(ordered, lead_id)
        user_id = next((name.value for name in usable if name.kind == "user_id"), None)
        known = [name for name in usable if name in self.taken]
        origin = lead_id
        for name in known if lead_id is None else ():
            if user_id is None or name.kind == "user_id" or self._person(name).can_be(user_id):
                origin = self.taken[name]
                break
            refused.append(Refusal(name=name, reason=Reason.OTHER_USER, other=self._person(name).lead_id))
        new = origin is None
        if origin is None:
            origin = self.new_id()
            self.people[origin] = Person(lead_id=origin, members={origin})
        attached = self._attach([name for name in usable if name not in self.taken], origin, refused)
        merges = self._join([name for name in known if joins], origin, refused)
        return Placement(lead_id=origin, new=new, attached=attached, merges=merges, refused=tuple(refused))

    def _is_settled(self, ordered: Sequence[Name], lead_id: UUID | None) -> bool:
        if lead_id is None and not (ordered and ordered[0] in self.taken):
            return False
        home = self.home(lead_id or self.taken[ordered[0]])
        return all(name in self.taken and self.home(self.taken[name]) == home for name in ordered)

    def _usable(self, ordered: Sequence[Name], lead_id: UUID | None) -> tuple[list[Name], list[Refusal]]:
        """Return the names to go by. One that means nobody in particular only counts where there is no other."""
        usable = [name for name in ordered if not self.guard.blocks(name)]
        if not usable and lead_id is None:
            usable = list(ordered[:1])
        return usable, [Refusal(name=name, reason=Reason.BLOCKED) for name in ordered if name not in usable]

    def _person(self, name: Name) -> Person:
        return self.people[self.home(self.taken[name])]

    def _attach(self, free: Sequence[Name], origin: UUID, refused: list[Refusal]) -> tuple[Name, ...]:
        attached = []
        for name in free:
            person = self.people[self.home(origin)]
            if name.kind == "user_id" and not person.can_be(name.value):
                refused.append(Refusal(name=name, reason=Reason.OTHER_USER))
            elif person.names >= self.guard.max_names:
                refused.append(Refusal(name=name, reason=Reason.LIMIT))
            else:
                person.answers_to(name)
                self.taken[name] = origin
                attached.append(name)
        return tuple(attached)

    def _join(self, names: Sequence[Name], origin: UUID, refused: list[Refusal]) -> tuple[tuple[UUID, UUID], ...]:
        merges = []
        for name in names:
            mine, theirs = self.people[self.home(origin)], self._person(name)
            if mine is theirs or any(refusal.name == name for refusal in refused):
                continue
            reason = self._objection(mine, theirs)
            if reason is not None:
                refused.append(Refusal(name=name, reason=reason, other=theirs.lead_id))
                continue
            merges.append(self.merge(mine, theirs))
        return tuple(merges)

    def _objection(self, mine: Person, theirs: Person) -> Reason | None:
        if mine.user_ids and theirs.user_ids and not mine.user_ids & theirs.user_ids:
            return Reason.OTHER_USER
        if mine.names + theirs.names > self.guard.max_names:
            return Reason.LIMIT
        if any(pair & mine.members and pair & theirs.members for pair in self.separated):
            return Reason.SEPARATED
        return None

    def merge(self, one: Person, other: Person) -> tuple[UUID, UUID]:
        """Make two people one and return (absorbed, survivor)."""
        kept, gone = survivor(one, other)
        kept.members |= gone.members
        kept.names += gone.names
        kept.user_ids |= gone.user_ids
        kept.known = kept.known or gone.known
        for member in gone.members:
            self.homes[member] = kept.lead_id
        del self.people[gone.lead_id]
        return gone.lead_id, kept.lead_id


_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+")  # no control characters


def is_email(text: str) -> bool:
    """Return whether the text can be an e-mail address: something, an @, something, and not too long.

    It is measured as it will be stored: some letters grow when they are made small.
    """
    return len(normal_email(text)) <= MAX_LENGTH and _EMAIL.fullmatch(text.strip()) is not None


def normal_email(address: str) -> str:
    """Return an e-mail address in the spelling it is compared by."""
    return address.strip().lower()
