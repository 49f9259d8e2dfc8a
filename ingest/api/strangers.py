"""Whoever sends bad keys is slowed down, by address, without a look at the database; who holds a good one is not.

An address that has used up its bad keys is answered 429 until there is room again, unless it sends a key that has
opened a project within the last hour: behind one address there may be many people. A key that is used for the first
time has to wait there until the guessing pauses.
"""

import ipaddress
import time
from collections import OrderedDict

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ingest import limits, redis_access
from ingest.api.errors import RequestRefused
from ingest.core.keys import digest

REMEMBERED_SECONDS = 3600
TOLD_AGAIN_SECONDS = 600  # how often a process tells the others of a key that it goes on seeing
MOST_REMEMBERED = 10_000
_IPV6_NETWORK = 64  # a household or a server has at least so many addresses for itself

_good: OrderedDict[str, float] = OrderedDict()  # digests, and when this process told of them, in monotonic seconds


def network_of(request: HttpRequest) -> str:
    """Return whom bad keys are counted for: the client's IPv4 address, or the /64 network of its IPv6 one."""
    address_of = settings.RATELIMIT_IP_META_KEY
    text = import_string(address_of)(request) if address_of else str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a server on a socket knows no address
        return text
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed, _IPV6_NETWORK), strict=False))
    return str(address)


def refuse_guessing(request: HttpRequest, token: str | None) -> None:
    """Refuse with 429 what comes from a network that has sent too many bad keys, but for keys known to be good."""
    if token and digest(token) in _good:
        return
    allowance = limits.bad_keys_left(network_of(request))
    if allowance.granted or (token and _is_remembered(token)):
        return
    raise RequestRefused(
        "too_many_bad_keys",
        f"Your address has sent {allowance.limit} requests a minute without a valid key. Wait, and check the key.",
        status_code=429,
        headers={
            "RateLimit-Policy": allowance.policy,
            "RateLimit": allowance.state,
            "Retry-After": str(allowance.retry_after),
        },
    )


def count_bad_key(request: HttpRequest, token: str | None) -> None:
    """Count a request without a valid key against its network."""
    if token:
        _good.pop(digest(token), None)
        redis_access.attempt(lambda client: client.delete(_mark(token)), otherwise=0)
    limits.spend_bad_key(network_of(request))


def remember_good_key(token: str) -> None:
    """Remember that a key opens a project, for all web processes."""
    known, now = digest(token), time.monotonic()
    if now - _good.get(known, -TOLD_AGAIN_SECONDS) < TOLD_AGAIN_SECONDS:
        return
    _good[known] = now
    _good.move_to_end(known)
    while len(_good) > MOST_REMEMBERED:
        _good.popitem(last=False)
    redis_access.attempt(lambda client: client.set(_mark(token), 1, ex=REMEMBERED_SECONDS), otherwise=None)


def _is_remembered(token: str) -> bool:
    return bool(redis_access.attempt(lambda client: client.exists(_mark(token)), otherwise=0))


def _mark(token: str) -> str:
    return f"leadscore:good-key:{digest(token)}"
