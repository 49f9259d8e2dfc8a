"""Signing secrets of webhooks, as Standard Webhooks 1.0.0 writes them."""

import base64
import binascii
import secrets

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64


def new_signing_secret() -> str:
    """Return a fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def mistake_in_secret(secret: str) -> str | None:
    """Return what is wrong with a secret that somebody typed in, or None."""
    if not secret.startswith(PREFIX):
        return "A signing secret begins with whsec_."
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return "After whsec_ a signing secret is base64."
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        return f"A signing secret holds {FEWEST_BYTES} to {MOST_BYTES} bytes; this one holds {len(key)}."
    return None
