"""Composition: settings, URLs, the Celery application, the dashboard and the commands that run it all."""

from leadscore.celery import app as celery_app

__all__ = ["celery_app"]
