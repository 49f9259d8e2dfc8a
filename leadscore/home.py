"""The directory where one installation keeps its files: database, embedded Redis, secret key, logs."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True, slots=True)
class SecretKeyFile:
    """The signing key of an installation that sets no `SECRET_KEY`: made once, readable by its owner only."""

    home: Path

    def read_or_create(self) -> str:
        """Return the key, creating it on first use; raise `ImproperlyConfigured` if the home cannot be written."""
        path = self.home / "secret_key"
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                self._create(path)
            return path.read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"LEADSCORE_HOME {self.home} cannot be used ({error.strerror}): make it writable or set LEADSCORE_HOME."
            ) from error

    def _create(self, path: Path) -> None:
        # Linked into place so that two processes starting at once agree on one key.
        draft = path.with_name(f"secret_key.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def redis_socket(home: Path) -> Path:
    """Return where the embedded Redis of this home listens.

    A socket's path may have about a hundred characters. A deeper home gets a short directory of its own instead;
    its name follows from the home, so that every process of the installation finds the same one.
    """
    socket = home / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"leadscore-{os.getuid()}-{mark}" / "redis.sock"  # noqa: S108 - made private, ownership checked
