"""Pseudonyms: what is kept of a name, or of an event's id, so that it can be recognised again but not read.

Both are HMAC-SHA256 (RFC 2104) under a key of the project's own.
"""

import hmac
import secrets

from ingest.core.identity import Name, is_email, normal_email

ERASED_PREFIX = "erased:"


def new_pseudonym_key() -> str:
    """Return a random key, as hexadecimal text."""
    return secrets.token_hex(32)


def digest_of(name: Name, *, key: bytes) -> str:
    """Return what is kept of a suppressed name. An e-mail address is the same person's whatever it is sent as."""
    kind, value = name
    if is_email(value):
        kind, value = "email", normal_email(value)
    return _hash(key, f"{kind}\0{value}")


def event_pseudonym(event_id: str, *, key: bytes) -> str:
    """Return the event id that an erased person's event has in place of its own."""
    return ERASED_PREFIX + _hash(key, f"event\0{event_id}")


def _hash(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()
