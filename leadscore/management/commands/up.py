"""`manage.py up`: run the whole system, from the database to the clock, as children of this one command."""

import asyncio
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from leadscore.running import preflight
from leadscore.running.console import say
from leadscore.running.demo import Demo, DemoFile, prepare_demo
from leadscore.running.errors import CannotRun
from leadscore.running.installation import Installation, run
from scoring import routing

WELCOME = """
LeadScore is ready at {demo.url}

  Log in      {demo.username}
  Password    {demo.password}
  Write key   {demo.writeKey}  (public; sends events)
  Secret key  {demo.secretKey}  (reads and writes; keep it)

All of this is kept in {home}/demo.json. A first event:

  curl {demo.url}/api/events -H "Authorization: Bearer {demo.writeKey}" \\
    -H "Content-Type: application/json" -d '{{"eventType": "demo_request", "email": "ada@example.com"}}'

Ctrl-C ends everything.
"""


class Command(BaseCommand):
    help = "Run everything: database, embedded Redis if none is configured, web, workers and beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--end-with-parent", action="store_true", help="End when the process that started this one ends."
        )

    def handle(self, *args: Any, end_with_parent: bool, **options: Any) -> None:
        # What is written from here on, by the children too, is for its owner only: leads, logs, mails to people.
        os.umask(0o077)
        parent = os.getppid() if end_with_parent else None
        installation = Installation(
            home=settings.LEADSCORE_HOME,
            port=settings.PORT,
            web_workers=settings.WEB_WORKERS,
            lead_queues=routing.queues(),
            lead_workers=settings.WORKERS,
            redis_socket=settings.EMBEDDED_REDIS_SOCKET,
        )
        try:
            with preflight.only_one(installation.home):
                _check(installation)
                asyncio.run(run(installation, _FirstLook(installation), parent=parent))
        except CannotRun as reason:
            sys.exit(f"LeadScore cannot run: {reason}")


class _FirstLook:
    """Has the tables and the demo project there before anything serves, and tells people once it does."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._file = DemoFile(installation.home)

    def prepare(self) -> Demo:
        try:
            call_command("migrate", interactive=False, verbosity=0)
            return prepare_demo(self._file.put_aside(), url=self._installation.url, now=timezone.now())
        except DatabaseError as error:
            raise CannotRun(f"The database cannot be brought up to date: {error}") from error
        finally:
            connection.close()  # this thread ends here, and its connection must not stay open

    def ready(self, demo: Demo) -> None:
        self._file.write(demo)
        say(WELCOME.format(demo=demo, home=self._installation.home))


def _check(installation: Installation) -> None:
    preflight.check_port(installation.port)
    preflight.check_database()
    if installation.redis_socket is None:
        preflight.check_redis(settings.REDIS_URL)
    if settings.BROKER_URL != settings.REDIS_URL:
        preflight.check_broker(settings.CELERY_BROKER_URL)
