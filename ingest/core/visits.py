"""Visits: which events belong together, where the visitor came from, and what they looked at.

A session that a client names is a visit, whatever lies between its events. Events without a session belong together
while no more than half an hour passes from one to the next.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

GAP = timedelta(minutes=30)
MAX_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEvent:
    """An event as visits need it; `key` is the row's primary key."""

    key: UUID
    occurred_at: datetime
    event_id: str
    session_id: str = ""
    event_type: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Events that belong together, in event order: at least one."""

    session_id: str
    events: tuple[VisitEvent, ...]

    @property
    def name(self) -> str:
        """Return what tells it from the lead's other visits: its session id, else its last event's key."""
        return self.session_id or str(self.events[-1].key)

    @property
    def began_at(self) -> datetime:
        return self.events[0].occurred_at

    @property
    def ended_at(self) -> datetime:
        return self.events[-1].occurred_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What brought somebody. Empty texts where nothing is known."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    referrer: str = ""

    def __bool__(self) -> bool:
        return bool(self.source or self.medium or self.campaign or self.referrer)

    @property
    def words(self) -> str:
        """Return it as people write it: “google / cpc, spring-sale”, or the site of the referrer."""
        origin = " / ".join(filter(None, (self.source, self.medium)))
        return ", ".join(filter(None, (origin, self.campaign))) or host_of(self.referrer) or self.referrer


def visits_of(events: Iterable[VisitEvent]) -> list[Visit]:
    """Return the visits that events make, the one that ended last first. Each event is in exactly one of them."""
    sessions: dict[str, list[VisitEvent]] = defaultdict(list)
    for event in sorted(events, key=_order):
        sessions[event.session_id].append(event)
    visits = [Visit(session_id=session_id, events=tuple(own)) for session_id, own in sessions.items() if session_id]
    visits += (Visit(session_id="", events=tuple(own)) for own in _parts(sessions.get("", ())))
    return sorted(visits, key=lambda visit: (visit.ended_at, visit.name), reverse=True)


def _parts(events: Sequence[VisitEvent]) -> list[list[VisitEvent]]:
    parts: list[list[VisitEvent]] = []
    for event in events:
        if parts and event.occurred_at - parts[-1][-1].occurred_at <= GAP:
            parts[-1].append(event)
        else:
            parts.append([event])
    return parts


def _order(event: VisitEvent) -> tuple[datetime, str, UUID]:
    return event.occurred_at, event.event_id, event.key


# --- What events say of the visitor ----------------------------------------------------------------------------------


def touch_of(event: VisitEvent) -> Touch:
    """Return what brought the visitor to this event: its campaign, and a referrer that is another site."""
    campaign, page = _tree(event.context, "campaign"), _tree(event.context, "page")
    referrer = _text(page, "referrer") or _text(event.properties, "referrer")
    own = host_of(_text(page, "url") or _text(event.properties, "url"))
    return _touch(campaign, referrer="" if own and host_of(referrer) == own else referrer)


def remembered_touch(event: VisitEvent, name: str) -> Touch:
    """Return the `firstTouch` or `lastTouch` that the browser script remembers and sends along."""
    tree = _tree(event.context, name)
    return _touch(tree, referrer=_text(tree, "referrer"))


def _touch(campaign: Mapping[str, Any], *, referrer: str) -> Touch:
    return Touch(
        source=_text(campaign, "source"),
        medium=_text(campaign, "medium"),
        campaign=_text(campaign, "name"),
        referrer=referrer,
    )


def pages_of(events: Iterable[VisitEvent]) -> tuple[str, ...]:
    """Return the paths of the pages that events happened on, each once, in the order of the visit."""
    paths = (_text(_tree(each.context, "page"), "path") or _text(each.properties, "path") for each in events)
    return tuple(dict.fromkeys(filter(None, paths)))


def host_of(address: str) -> str:
    """Return the host of an address, without “www.”; empty if there is none."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


_BROWSERS = (
    ("Edg(?:e|A|iOS)?/", "Edge"),
    ("OPR/|Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("Chrome/|CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone|iPod", "iPhone"),
    ("iPad", "iPad"),
    ("Android.*Mobile", "an Android phone"),
    ("Android", "an Android tablet"),
    ("Windows", "Windows"),
    ("Macintosh|Mac OS X", "a Mac"),
    ("CrOS", "a Chromebook"),
    ("Linux", "Linux"),
)
_PROGRAMS = re.compile(r"bot|crawl|spider|curl/|python|headless", re.IGNORECASE)


def device_of(events: Iterable[VisitEvent]) -> str:
    """Return the device in words, such as “Chrome on Windows”; empty if no event says what it was."""
    agent = next(filter(None, (_text(each.context, "userAgent") for each in events)), "")
    if not agent:
        return ""
    if _PROGRAMS.search(agent):
        return "a program"
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, agent)), "")
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, agent)), "")
    return " on ".join(filter(None, (browser, system))) or "unknown"


def _tree(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = tree.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(tree: Mapping[str, Any], name: str) -> str:
    value = tree.get(name)
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""
