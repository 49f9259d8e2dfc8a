"""Reads settings from environment variables, refusing nonsense with a sentence that names the variable."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class Environment(environ.Env):  # type: ignore[misc]  # django-environ is untyped
    """`environ.Env` whose mistakes are the operator's to read, not tracebacks."""

    def whole_number(self, name: str, *, default: int, least: int, most: int) -> int:
        """Return variable `name` as a whole number from `least` to `most`."""
        text = self.str(name, default=str(default)).strip()
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}, not {text!r}.")

    def address(self, name: str, *, default: str) -> str:
        """Return variable `name` as the web address of a server, without a path."""
        text: str = (self.str(name, default="").strip() or default).rstrip("/")
        parts = urlsplit(text)
        if parts.scheme in {"http", "https"} and parts.hostname and not parts.path:
            return text
        raise ImproperlyConfigured(f"{name} must be an address such as https://leads.example.com, not {text!r}.")

    def one_of(self, name: str, default: str, *others: str) -> str:
        """Return variable `name` if it is one of the words that are understood."""
        word: str = self.str(name, default=default)
        if word in {default, *others}:
            return word
        raise ImproperlyConfigured(f"{name} must be {' or '.join((default, *others))}, not {word!r}.")

    def database(self, name: str, *, default: Path) -> dict[str, Any]:
        """Return the database that the URL in variable `name` describes, by default an SQLite file at `default`."""
        url = self.str(name, default="").strip()
        if not url:
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default)}
        if not url.startswith(("sqlite://", "postgres://", "postgresql://")):
            raise ImproperlyConfigured(
                f"{name} must begin with sqlite:// or postgres://; other databases are not supported yet."
            )
        try:
            return dict(self.db_url_config(url))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} is not a database URL: {error}.") from error

    def redis_url(self) -> str:
        """Return the Redis that was given, empty if none was. A Redis given as the broker is a Redis too."""
        broker = self.str("BROKER_URL", default="")
        return self.str("REDIS_URL", default="") or (broker if broker.startswith(REDIS_SCHEMES) else "")
