"""The Celery application: wake-ups for the lead queues, deliveries and the beat schedule.

The queues carry hints only. Everything a task does is decided by what the database holds, so a task may be lost,
doubled or late without harm; there is no result backend and there are no chords.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")

app = Celery("leadscore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["ingest", "scoring", "automation"])
app.autodiscover_tasks(["leadscore"], related_name="heartbeat")


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: with a receiver here it leaves that to the settings."""
