"""Which user agents are bots: crawlers, link previews, monitors, headless browsers, scanners of mail.

What is known of them comes from crawler-user-agents, a list that many projects share and that is renewed every month;
what it lacks stands here. A library (python-requests, okhttp) is no bot: it is how programs that people wrote, apps and
servers alike, talk to us.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from ingest.core.events import IncomingEvent

BOT = "bot"
MAX_USER_AGENT = 1_000  # characters that are kept and looked at; browsers send some 120
_CACHED = 8_192
_ONE_PATTERN = 50  # more alternatives than that in one expression make it slower again

_LIBRARY = "http-library"
_OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
# What sends because a project has told it to, and what loads the pictures of a mail because its reader opened it.
_ON_BEHALF = frozenset({
    "Zapier", "HubSpot", r"Klaviyo\/", r"Stripe\/", "MailChimp", "GoogleImageProxy", "YahooMailProxy", "FastmailUA",
})  # fmt: skip
_OWN = (
    # Whoever calls itself so; but a Cubot is a telephone.
    r"(?i:(?<!cu)bots?\b|crawler\b|spider\b)",
    # Browsers that a program steers.
    r"PhantomJS|HeadlessChrome|Headless|Cypress/|Playwright|Puppeteer|Selenium|WebDriver|Prerender",
    # What opens the links of a mail before its reader does.
    r"Barracuda|Proofpoint|Mimecast|MailScanner|FortiGuard|FortiMail|Symantec|Zscaler|IronPort|SafeLinks",
    r"Cisco Secure Email|Sophos Email|urlscan\.io",
    r"Microsoft Office (?:Existence|Protocol) Discovery",
)


def _patterns() -> list[re.Pattern[str]]:
    known = [
        entry["pattern"]
        for entry in CRAWLER_USER_AGENTS_DATA
        if _LIBRARY not in entry.get("tags", ()) and entry["pattern"] not in _ON_BEHALF
    ]
    # The list first: its patterns are the more exact names.
    parts = [known[begin : begin + _ONE_PATTERN] for begin in range(0, len(known), _ONE_PATTERN)]
    return [re.compile("|".join(part)) for part in (*parts, _OWN)]


_PATTERNS = _patterns()


@lru_cache(maxsize=_CACHED)
def bot_name(user_agent: str) -> str | None:
    """Return what a user agent gives itself away as, such as `Googlebot`; `None` if it is no bot that is known."""
    for pattern in _PATTERNS:
        if (found := pattern.search(user_agent)) is not None:
            return found[0].strip(" /;(+") or user_agent[:40]
    return None


def is_local(address: object) -> bool:
    """Return whether the address of a page, or its origin, is that of no website: of a file, or of one's own machine.

    What happens there are tests, mostly in a headless browser, and whoever tests wants to see what it does.
    """
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return address == "null" or parts.scheme == "file" or host in _OWN_MACHINE or host.endswith(".localhost")


def bot_of(context: Mapping[str, Any]) -> str | None:
    """Return the bot that an event's context names as its user agent, if it does."""
    user_agent, page = context.get("userAgent"), context.get("page")
    if isinstance(page, Mapping) and is_local(page.get("url")):
        return None
    return bot_name(user_agent[:MAX_USER_AGENT]) if isinstance(user_agent, str) and user_agent else None


def seen_through(event: IncomingEvent, user_agent: str | None) -> IncomingEvent:
    """Return an event with the user agent of the request that brought it, if it says nothing of its own.

    It is kept with the event, because the event may have to be judged by it again.
    """
    if not user_agent or event.context.get("userAgent"):
        return event
    return replace(event, context={**event.context, "userAgent": user_agent[:MAX_USER_AGENT]})
