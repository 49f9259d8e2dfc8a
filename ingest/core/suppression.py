"""Pseudonyms: what is kept of a name, or of an event's id, so that it can be recognised again but not read.

Both are HMAC-SHA256 (RFC 2104) under a key of the project's own.
"""

import hmac
import json
import secrets

from ingest.core.identity import Name, is_email, normal_email

ERASED_PREFIX = "erased:"
_TELLING = 3  # characters; a shorter name is found in any text


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


def spellings(name: Name) -> set[str]:
    """Return how a name may stand in a text in small letters; nothing if it is too short to tell whose text it is.

    A system's own name stands before the ids it gives only here.
    """
    value = (name.value.partition(":")[2] if name.kind == "external_id" else name.value).lower()
    return {value, json.dumps(value)[1:-1], value.replace("/", "\\/")} if len(value) >= _TELLING else set()


def _hash(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()
