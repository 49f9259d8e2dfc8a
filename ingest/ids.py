"""Primary keys: UUIDv7 (RFC 9562), made by the process that writes, sortable by creation time on every database."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 that can have been made at `moment`, so that an index on ids serves as one on time."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


def made_at(key: UUID) -> datetime:
    """Return when a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


def uuid_of(text: str) -> UUID | None:
    """Return the id that a text is, however it is spelled; `None` if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
