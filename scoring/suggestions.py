"""What the forms of rules suggest: event types and fields that projects' recent events really have."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ingest.models import Event

LOOKED_AT = 500
SHOWN = 200
DEEPEST = 3


# Fields that clients have in common, whether or not there is an event with them yet, and what people call them.
LABELS = {
    "context.campaign.source": "Campaign source (utm_source)",
    "context.campaign.medium": "Campaign medium (utm_medium)",
    "context.campaign.name": "Campaign name (utm_campaign)",
    "context.campaign.term": "Campaign keyword (utm_term)",
    "context.campaign.content": "Campaign content (utm_content)",
    "context.page.path": "Page path",
    "context.page.url": "Page address",
    "context.page.referrer": "Page before this one (referrer)",
    "context.page.title": "Page title",
    "context.firstTouch.source": "First touch: source",
    "context.firstTouch.referrer": "First touch: referrer",
    "context.lastTouch.source": "Last touch: source",
}


def options_of(fields: Iterable[str]) -> list[tuple[str, str]]:
    """Return fields with what people call them (empty for a project's own), and after them the common ones."""
    return [(name, LABELS.get(name, "")) for name in dict.fromkeys([*fields, *LABELS])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Names, the most frequent first."""

    event_types: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def suggestions_for(project_ids: Collection[UUID]) -> Suggestions:
    """Return what the newest events of these projects have."""
    types: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    events = Event.objects.filter(project__in=list(project_ids)[:20]).order_by("-id")
    for event_type, properties, traits, context in events.values_list("event_type", "properties", "traits", "context")[
        :LOOKED_AT
    ]:
        types[event_type] += 1
        for root, tree in (("properties", properties), ("traits", traits), ("context", context)):
            fields.update(_paths(root, tree, 1))
    return Suggestions(
        event_types=tuple(name for name, _ in types.most_common(SHOWN)),
        fields=tuple(name for name, _ in fields.most_common(SHOWN)),
    )


def _paths(root: str, tree: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in tree.items():
        if not key or "." in key or len(root) + len(key) > 150:
            continue
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _paths(f"{root}.{key}", value, depth + 1)
        else:
            yield f"{root}.{key}"
