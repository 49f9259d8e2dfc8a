"""The campaign that brought somebody, where an event says it only in the address of its page.

Every client's campaign stands in `context.campaign` as Segment's specification has it: `source`, `medium`, `name`,
`term` and `content`, so that one condition finds them all.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MAX_LENGTH = 200
MAX_PARAMETERS = 100
_FIELDS = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}


def with_campaign(context: Mapping[str, Any], properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the context with the campaign that the page's address names, unless it has one already.

    Looked at are `context.page.url`, `context.page.search`, `properties.url` and `properties.search`; the first that
    has a `utm_` parameter counts.
    """
    if context.get("campaign"):
        return context
    for query in _queries(context, properties):
        if campaign := campaign_of(query):
            return {**context, "campaign": campaign}
    return context


def campaign_of(query: str) -> dict[str, str]:
    """Return the campaign a query string names, `{}` if it names none. Of a repeated parameter the first counts."""
    if "utm_" not in query.lower():
        return {}
    try:
        pairs = parse_qsl(query, max_num_fields=MAX_PARAMETERS)
    except ValueError:  # more parameters than any page has
        return {}
    campaign: dict[str, str] = {}
    for name, value in pairs:
        field = _FIELDS.get(name.lower())
        text = value.replace("\x00", "").strip()[:MAX_LENGTH]
        if field is not None and text:
            campaign.setdefault(field, text)
    return campaign


def _queries(context: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[str]:
    page = context.get("page")
    for tree in (page if isinstance(page, Mapping) else {}, properties):
        url, search = tree.get("url"), tree.get("search")
        if isinstance(url, str):
            with contextlib.suppress(ValueError):  # such as http://[
                yield urlsplit(url).query
        if isinstance(search, str):
            yield search.removeprefix("?")
