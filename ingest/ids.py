"""Primary keys: UUIDv7 (RFC 9562), made by the process that writes, sortable by creation time on every database."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    return uuid7()
