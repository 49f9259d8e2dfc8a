"""API keys: what they look like, and how one is recognised without being stored."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum


class KeyKind(Enum):
    """What a key may do: a write key may only ingest; a secret key reads and writes its project."""

    WRITE = "write"
    SECRET = "secret"  # noqa: S105  (a kind, not a password)

    @property
    def label(self) -> str:
        return {"write": "Write key (public, sends events)", "secret": "Secret key (reads and writes)"}[self.value]

    @property
    def prefix(self) -> str:
        return {"write": "pk_", "secret": "sk_"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at the one moment its token is known."""

    kind: KeyKind
    token: str

    @property
    def hint(self) -> str:
        """Return the first characters, enough to recognise the key by and too few to use it."""
        return self.token[:9]

    @property
    def digest(self) -> str:
        return digest(self.token)


def generate(kind: KeyKind) -> NewKey:
    """Return a new key with 192 bits of randomness."""
    return NewKey(kind=kind, token=kind.prefix + secrets.token_hex(24))


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hex.

    A plain hash is enough because tokens are random and long; a slow or salted one would only delay every request.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
