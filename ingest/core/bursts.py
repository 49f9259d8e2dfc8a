"""Which clicks are those of a mail gateway: security software that opens every link of a mail before its reader can.

It gives itself away by speed. Microsoft's Safe Links, Barracuda, Proofpoint and Mimecast open the links of a mail all
at once, from browsers like anybody's, so neither the user agent nor the address tells them from people; several
different links within seconds do, which is also what HubSpot and Mautic's users go by.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

GATEWAY_BURST = "gateway_burst"
CLICK_TYPES = ("email_click", "email_clicked", "email_link_clicked", "link_click")
OPEN_TYPES = ("email_open", "email_opened")
LINKS = 3  # a person who opens two links of a mail in a hurry is a person
SECONDS = 3
_LINK_NAMES = ("url", "link", "href", "link_url", "linkUrl", "link_id", "linkId")


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstRule:
    """What counts as a burst: clicks on at least `links` different links of a lead within `seconds`."""

    click_types: frozenset[str] = frozenset(CLICK_TYPES)
    open_types: frozenset[str] = frozenset(OPEN_TYPES)
    links: int = LINKS
    seconds: int = SECONDS

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def reach(self) -> timedelta:
        """Return how far from an event others can lie that decide with it: a burst away, and an open beyond it."""
        return 2 * self.window

    @property
    def event_types(self) -> frozenset[str]:
        return self.click_types | self.open_types


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """A click or an open of a lead, and the link it was of."""

    key: UUID
    event_type: str
    occurred_at: datetime
    link: str


def link_of(properties: Mapping[str, Any]) -> str:
    """Return what tells the link of a click from others: its address or its id, empty if the click names none."""
    for name in _LINK_NAMES:
        value = properties.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def in_bursts(events: Iterable[MailEvent], rule: BurstRule) -> frozenset[UUID]:
    """Return the clicks of one lead that belong to a burst, and the opens that came with them.

    It depends on the events alone, not on their order, and more events never make fewer of them: whoever asks again
    about the surroundings of an event (`rule.reach`) whenever one comes in has found all in the end.
    """
    events = list(events)
    clicks = [event for event in events if event.event_type in rule.click_types]
    clicks.sort(key=lambda click: click.occurred_at)
    hasty = _hasty(clicks, rule)
    moments = [click.occurred_at for click in hasty]
    opens = (
        event.key
        for event in events
        if event.event_type in rule.open_types and _near(event.occurred_at, moments, rule.window)
    )
    return frozenset({click.key for click in hasty}.union(opens))


def _hasty(clicks: Sequence[MailEvent], rule: BurstRule) -> list[MailEvent]:
    """Return the clicks, given in order, that stand in a window with enough different links."""
    found: list[MailEvent] = []
    links: Counter[str] = Counter()
    begin = taken = 0
    for end, click in enumerate(clicks):
        links[click.link] += 1
        while click.occurred_at - clicks[begin].occurred_at > rule.window:
            links[clicks[begin].link] -= 1
            if not links[clicks[begin].link]:
                del links[clicks[begin].link]
            begin += 1
        if len(links) >= rule.links:
            found += clicks[max(begin, taken) : end + 1]
            taken = end + 1
    return found


def _near(moment: datetime, moments: Sequence[datetime], window: timedelta) -> bool:
    return bisect_left(moments, moment - window) < bisect_right(moments, moment + window)
