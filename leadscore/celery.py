"""The Celery application: wake-ups for the lead queues, deliveries and the beat schedule.

The queues carry hints only. Everything a task does is decided by what the database holds, so a task may be lost,
doubled or late without harm; there is no result backend and there are no chords.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")

app = Celery("leadscore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["scoring", "automation"])
app.autodiscover_tasks(["leadscore"], related_name="heartbeat")
