"""The Celery application: wake-ups for the lead queues, deliveries and the beat schedule.

The queues carry hints only. Everything a task does is decided by what the database holds, so a task may be lost,
doubled or late without harm; there is no result backend and there are no chords.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from kombu import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")


class Application(Celery):
    """Celery, but whoever sends a task tries once and briefly: a request must not wait for a broker that is away."""

    def connection_for_write(self, url: str | None = None, **arguments: Any) -> Connection:
        timeout = settings.REDIS_TIMEOUT
        once = {
            "max_retries": 0,
            "socket_timeout": timeout,  # of Redis
            "socket_connect_timeout": timeout,
            "read_timeout": timeout,  # of RabbitMQ
            "write_timeout": timeout,
        }
        options = once | (arguments.pop("transport_options", None) or {})
        arguments["connect_timeout"] = arguments.get("connect_timeout") or timeout
        return super().connection_for_write(url, transport_options=options, **arguments)


app = Application("leadscore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["ingest", "scoring", "automation"])
app.autodiscover_tasks(["leadscore"], related_name="heartbeat")


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: with a receiver here it leaves that to the settings."""
