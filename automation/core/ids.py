"""Ids that follow from what they name, so that writing a run or a delivery twice is writing it once.

They are UUIDv7 (RFC 9562): the millisecond is the causing event's, so they sort by time like every other id;
12 bits hold a place in an order; the rest is a digest.
"""

import hashlib
from uuid import UUID

_PLACES = 1 << 12


def derived_id(origin: UUID, *parts: str, place: int = 0) -> UUID:
    """Return the id that `parts` name, of the millisecond of the UUIDv7 `origin`, sorting by `place` (0…4095) in it."""
    digest = hashlib.sha256("\x1f".join((str(origin), *parts)).encode()).digest()
    value = (origin.int >> 80) << 80 | 7 << 76 | (place % _PLACES) << 64
    value |= 0b10 << 62 | int.from_bytes(digest[:8], "big") >> 2
    return UUID(int=value)
