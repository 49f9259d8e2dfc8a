"""`manage.py run ROLE`: become one of the system's processes, as containers and service units do."""

import os
import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from leadscore.running import processes
from leadscore.running.processes import Process
from scoring import routing


def share(text: str) -> tuple[int, int]:
    """Return the two numbers of a share such as `1/2`."""
    match = re.fullmatch(r"([1-9]\d{0,2})/([1-9]\d{0,2})", text)
    if not match or int(match[1]) > int(match[2]):
        raise ArgumentTypeError(f"“{text}” is not a share: write 1/2 for the first of two workers.")
    return int(match[1]), int(match[2])


class Command(BaseCommand):
    help = "Run one process of the system in the foreground: web, worker, deliveries or beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        roles = parser.add_subparsers(dest="role", required=True)
        web = roles.add_parser("web", help="The web server.")
        web.add_argument("--host", default="127.0.0.1", help="The address to listen on.")
        worker = roles.add_parser("worker", help="A lead worker.")
        worker.add_argument(
            "--share",
            type=share,
            default=(1, 1),
            metavar="N/M",
            help="Which share of the lead queues: 1/2 and 2/2 for two workers. Every share must run exactly once.",
        )
        roles.add_parser("deliveries", help="The worker for deliveries and the system's chores.")
        roles.add_parser("beat", help="The clock. Exactly one may run.")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        process = self._process(role, options)
        os.execvpe(process.command[0], process.command, processes.surroundings())  # noqa: S606 - the command lines stand in processes.py

    def _process(self, role: str, options: dict[str, Any]) -> Process:
        if role == "web":
            return processes.web(host=options["host"], port=settings.PORT, workers=settings.WEB_WORKERS)
        if role == "worker":
            number, of = options["share"]
            queues = routing.queues()
            if of > len(queues):
                raise CommandError(f"{of} workers cannot share {len(queues)} queues: raise LEAD_QUEUES.")
            return processes.lead_worker(number=number, of=of, queues=queues)
        return processes.delivery_worker() if role == "deliveries" else processes.beat(home=settings.LEADSCORE_HOME)
