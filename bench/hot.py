"""How long the other leads of a queue wait for their scores while one lead keeps it busy.

100 leads send an event a second each. Meanwhile one lead of the same queue has 50,000 events pending, in the order of
time; then a lead whose log holds 200,000 events gets late ones, near the end of its log and at its beginning:

    python -m bench.hot [--pending 50000] [--log 200000] [--leads 100] [--late 20]

On the database that `DATABASE_URL` names, in a project that is removed afterwards. Prints, per case, the delay from an
event's commit to the commit of its score (p50, p99 and most, in milliseconds), how long the busy lead took, and the CPU
seconds of the longest turn, which say more on a machine that has other things to do.
"""

import argparse
import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import sharedctypes, synchronize
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
django.setup()

from django.db import connection, connections  # noqa: E402  (Django must be set up first)
from django.utils import timezone  # noqa: E402

from bench.drain import remove  # noqa: E402
from ingest.core.events import IncomingEvent  # noqa: E402
from ingest.core.identity import Name  # noqa: E402
from ingest.models import Event, Lead, PendingEvent, Project  # noqa: E402
from ingest.services.events import record  # noqa: E402
from ingest.services.projects import create_project  # noqa: E402
from ingest.slots import SLOTS  # noqa: E402
from scoring.services.drain import drain  # noqa: E402

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEAST_SECONDS = 5
LOOK_EVERY = 0.02  # in seconds
BUSY = "busy"


def make_events(name: str, *, count: int, start: datetime) -> list[IncomingEvent]:
    """Return events of one lead in the order of time, a second apart, all of which a rule matches."""
    return [
        IncomingEvent(
            event_type="page_view",
            names=(Name("user_id", name),),
            timestamp=start + SECOND * index,
            properties={"path": "/pricing"},
        )
        for index in range(count)
    ]


def store(project: Project, events: Sequence[IncomingEvent]) -> None:
    """Store events in requests of a thousand."""
    for begin in range(0, len(events), 1_000):
        record(project.pk, events[begin : begin + 1_000], now=timezone.now())


def consume(ready: synchronize.Event, stop: synchronize.Event, longest: "sharedctypes.Synchronized[float]") -> None:
    """Be the queue's consumer until told to stop; `longest` becomes the CPU seconds of its longest turn."""
    ready.set()
    while not stop.is_set():
        begun = time.process_time()
        scored = drain(range(SLOTS), now=timezone.now())
        longest.value = max(longest.value, time.process_time() - begun)
        if not scored:
            time.sleep(LOOK_EVERY)


@dataclass(slots=True)
class Others:
    """The leads that send an event a second each, and how long each of their events waited."""

    project: Project
    leads: int
    delays: list[float]
    waiting: dict[UUID, float]

    def send_and_look(self, stop: threading.Event) -> None:
        """Send what is due, and look which of what was sent is not pending any more."""
        begun, sent = time.monotonic(), 0
        while not (stop.is_set() and not self.waiting):
            due = 0 if stop.is_set() else int((time.monotonic() - begun) * self.leads) - sent
            for number in range(sent, sent + due):
                self._send(f"other-{number % self.leads}")
                self._look()
            sent += due
            self._look()
            time.sleep(LOOK_EVERY)
        connections.close_all()

    def _send(self, name: str) -> None:
        event_id = str(time.monotonic_ns())
        event = IncomingEvent(event_type="page_view", event_id=event_id, names=(Name("user_id", name),))
        record(self.project.pk, [event], now=timezone.now())
        stored = time.monotonic()
        self.waiting[Event.objects.values_list("pk", flat=True).get(project=self.project, event_id=event_id)] = stored

    def _look(self) -> None:
        pending = set(PendingEvent.objects.filter(pk__in=list(self.waiting)).values_list("pk", flat=True))
        now = time.monotonic()
        for key in self.waiting.keys() - pending:
            self.delays.append(now - self.waiting.pop(key))


def measure(project: Project, leads: int) -> None:
    """Print how long the others waited until the busy lead was scored, and for some seconds at least."""
    others = Others(project=project, leads=leads, delays=[], waiting={})
    lead = Lead.objects.get(project=project, identifiers__value=BUSY).pk
    stop = threading.Event()
    sender = threading.Thread(target=others.send_and_look, args=(stop,))
    begun = time.monotonic()
    sender.start()
    took = 0.0
    while not took or time.monotonic() - begun < LEAST_SECONDS:
        time.sleep(LOOK_EVERY)
        if not took and not PendingEvent.objects.filter(lead_id=lead).exists():
            took = time.monotonic() - begun
    stop.set()
    sender.join()
    delays = sorted(others.delays)
    shown = [1000 * delays[min(len(delays) - 1, int(len(delays) * part))] for part in (0.5, 0.99, 1)]
    print(f"p50 {shown[0]:7,.0f} ms   p99 {shown[1]:7,.0f} ms   most {shown[2]:7,.0f} ms   ", end="")
    print(f"{len(delays):5,} events   the busy lead took {took:6.1f} s", flush=True)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--pending", type=int, default=50_000)
    arguments.add_argument("--log", type=int, default=200_000)
    arguments.add_argument("--leads", type=int, default=100)
    arguments.add_argument("--late", type=int, default=20)
    options = arguments.parse_args()
    print(f"{options.leads} others, an event a second each, on {connection.vendor}")
    project = create_project("Benchmark of a hot lead", now=timezone.now())
    cases: list[tuple[str, int, datetime]] = [
        ("nothing else", 1, START - SECOND),
        (f"{options.pending:,} pending", options.pending, START),
        ("late, near the end", options.late, START + SECOND * (options.log - 10)),
        ("late, at the beginning", options.late, START),
    ]
    try:
        for name, count, start in cases:
            if name.startswith("late, near"):
                grow_log(project, start=START + SECOND * (options.pending + 1), count=options.log - options.pending)
            run_case(name, project, options.leads, make_events(BUSY, count=count, start=start))
    finally:
        remove(project)


def grow_log(project: Project, *, start: datetime, count: int) -> None:
    """Give the busy lead a long log, scored."""
    store(project, make_events(BUSY, count=count, start=start))
    while drain(range(SLOTS), now=timezone.now()):
        pass


def run_case(name: str, project: Project, leads: int, events: Sequence[IncomingEvent]) -> None:
    """Store the busy lead's events, and measure with a consumer that starts then."""
    store(project, events)
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    longest = context.Value("d", 0.0)
    consumer = context.Process(target=consume, args=(ready, stop, longest))
    consumer.start()
    ready.wait()
    try:
        print(f"{name:24}", end="", flush=True)
        measure(project, leads)
    finally:
        stop.set()
        consumer.join()
    print(f"{'':24}the longest turn took {longest.value:.2f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
