"""IP addresses that clients send with events, and events without them."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingest.core.events import IncomingEvent

_MARKS = re.compile(r"[^a-z0-9]")
_FIELDS = frozenset({"ip", "ipaddress", "ipv4", "ipv6", "clientip", "userip", "remoteip", "remoteaddr", "remoteaddress",
                     "xforwardedfor", "xrealip"})  # fmt: skip


def without_ip_addresses(event: IncomingEvent) -> IncomingEvent:
    """Return the event without IP addresses; the same object if it carries none.

    In the context every field of a telling name goes, however deep it stands; among properties and traits, where such
    a name may mean something else, only one that holds an address.
    """
    context = _stripped(event.context)
    properties, traits = _without_addresses(event.properties), _without_addresses(event.traits)
    if context is event.context and properties is event.properties and traits is event.traits:
        return event
    return replace(event, context=context, properties=properties, traits=traits)


def _names_address(field: str) -> bool:
    return len(field) < 20 and _MARKS.sub("", field.lower()) in _FIELDS


def _stripped(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {}
    changed = False
    for field, value in tree.items():
        if _names_address(field):
            changed = True
            continue
        clean = _stripped(value) if isinstance(value, Mapping) else value
        changed = changed or clean is not value
        kept[field] = clean
    return kept if changed else tree


def _without_addresses(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [field for field, value in tree.items() if _names_address(field) and _is_address(value)]
    return {field: value for field, value in tree.items() if field not in found} if found else tree


def _is_address(value: object) -> bool:
    """Return whether a value is an IP address, or several with commas between, as proxies write them."""
    if not isinstance(value, str) or len(value) > 500:
        return False
    try:
        return all(ipaddress.ip_address(part.strip()) for part in value.split(","))
    except ValueError:
        return False
