"""What an operator may have got wrong, said by `manage.py check --deploy` before it hurts."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register

LOCAL = {"127.0.0.1", "localhost", "::1"}


@register(Tags.security, deploy=True)
def public_url(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Say what is not safe about the address people use."""
    address = urlsplit(settings.PUBLIC_URL)
    found: list[CheckMessage] = []
    if address.scheme == "http" and address.hostname not in LOCAL:
        found.append(
            checks.Warning(
                "PUBLIC_URL is not https: passwords and secret keys would travel in the clear.",
                hint="Put a proxy with a certificate in front, and set PUBLIC_URL to its https address.",
                id="leadscore.W001",
            )
        )
    if address.scheme == "https" and settings.SECURE_PROXY_SSL_HEADER is None:
        found.append(
            checks.Warning(
                "PUBLIC_URL is https, but the proxy in front is not trusted to say so.",
                hint="Set BEHIND_PROXY=true once the proxy sets X-Forwarded-Proto itself.",
                id="leadscore.W002",
            )
        )
    return found


@register(Tags.database, deploy=True)
def database(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Say when the embedded database meets more than one machine's worth of work."""
    if "sqlite" not in settings.DATABASES["default"]["ENGINE"] or settings.WORKERS == 1:
        return []
    return [
        checks.Warning(
            "SQLite writes one transaction at a time, so more than one lead worker gains nothing.",
            hint="Set DATABASE_URL to a PostgreSQL server, or WORKERS=1.",
            id="leadscore.W003",
        )
    ]


@register(Tags.security, deploy=True)
def embedded_redis(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Say when the Redis meant for a first look would serve others."""
    address = urlsplit(settings.PUBLIC_URL)
    if settings.EMBEDDED_REDIS_SOCKET is None or address.hostname in LOCAL:
        return []
    return [
        checks.Warning(
            "The embedded Redis is meant for a first look, and runs only under `manage.py up`.",
            hint="Set REDIS_URL to a Redis of your own.",
            id="leadscore.W004",
        )
    ]
