"""How many events a second one worker scores from a backlog, in order and shuffled.

50,000 events over 5,000 leads, on the database that `DATABASE_URL` names, in a project that is removed afterwards:

    python -m bench.drain [--events 50000] [--leads 5000] [--profile]

Prints events per second of wall clock, those per second of this process's own CPU, and how the second compares with
folding the same events without a database.
"""

import argparse
import cProfile
import os
import pstats
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  (Django must be set up first)
from django.utils import timezone  # noqa: E402

from ingest import database  # noqa: E402
from ingest.core.events import IncomingEvent  # noqa: E402
from ingest.core.identity import Name  # noqa: E402
from ingest.models import Event, Lead, PendingEvent, Project  # noqa: E402
from ingest.services.events import record  # noqa: E402
from ingest.services.projects import create_project  # noqa: E402
from ingest.slots import SLOTS  # noqa: E402
from scoring.core import engine  # noqa: E402
from scoring.log import logs_of, scorable  # noqa: E402
from scoring.models import LeadScore, LeadState, ScoreEntry  # noqa: E402
from scoring.services.drain import drain  # noqa: E402
from scoring.timelines import timeline_of  # noqa: E402

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("page_view", "page_view", "page_view", "email_open", "download", "demo_request", "unsubscribe", "other")


def make_events(*, events: int, leads: int, shuffled: bool) -> list[IncomingEvent]:
    """Return the events of all leads, in the order of time or in no order."""
    rng = random.Random(1)
    made = [
        IncomingEvent(
            event_id=f"{index:08d}",
            event_type=rng.choice(TYPES),
            names=(Name("user_id", f"user-{index % leads}"),),
            timestamp=START + timedelta(seconds=index),
            properties={"path": rng.choice(["/", "/pricing", "/docs/start"]), "amount": rng.randrange(100)},
        )
        for index in range(events)
    ]
    if shuffled:
        rng.shuffle(made)
    return made


def score(project: Project, events: Sequence[IncomingEvent], *, rounds: int) -> tuple[float, float]:
    """Store the events and score them, in `rounds` portions; return the seconds scoring took, wall clock and CPU."""
    wall = cpu = 0.0
    portion = len(events) // rounds
    for begin in range(0, len(events), portion):
        for index in range(begin, begin + portion, 1_000):
            record(project.pk, events[index : min(index + 1_000, begin + portion)], now=timezone.now())
        wall_begun, cpu_begun = time.perf_counter(), time.process_time()
        while drain(range(SLOTS), now=timezone.now()):
            pass
        wall += time.perf_counter() - wall_begun
        cpu += time.process_time() - cpu_begun
    return wall, cpu


def fold_only(project: Project) -> float:
    """Return the CPU seconds that folding the project's whole log takes."""
    timeline = timeline_of(project.pk)
    logs = logs_of(list(Lead.objects.filter(project=project).values_list("pk", flat=True)))
    leads = [[scorable(row) for row in rows] for rows in logs.values()]
    begun = time.process_time()
    for events in leads:
        engine.fold(timeline, engine.initial_state(timeline), events)
    return time.process_time() - begun


def remove(project: Project) -> None:
    """Delete the project and all it has, without Django looking at each row."""

    def work() -> None:
        PendingEvent.objects.filter(event__project=project).delete()
        for model in (ScoreEntry, LeadScore, LeadState, Event):
            queryset = model._default_manager.filter(project=project)
            queryset._raw_delete(queryset.db)
        project.delete()

    database.unit_of_work(work)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--events", type=int, default=50_000)
    arguments.add_argument("--leads", type=int, default=5_000)
    arguments.add_argument("--profile", action="store_true", help="Show where the time goes.")
    options = arguments.parse_args()
    cases = (
        ("a backlog, in order", False, 1),
        ("a backlog, shuffled", True, 1),
        ("in 10 portions, in order", False, 10),
        ("in 10 portions, shuffled", True, 10),
    )
    print(f"{options.events:,} events of {options.leads:,} leads on {connection.vendor}")
    for name, shuffled, rounds in cases:
        project = create_project("Benchmark of drain", now=timezone.now())
        profiler = cProfile.Profile(time.process_time) if options.profile else None
        try:
            events = make_events(events=options.events, leads=options.leads, shuffled=shuffled)
            if profiler:
                profiler.enable()
            wall, cpu = score(project, events, rounds=rounds)
            if profiler:
                profiler.disable()
            folding = fold_only(project)
        finally:
            with transaction.atomic():
                remove(project)
        print(
            f"{name:28} {options.events / wall:9,.0f} events/s {options.events / cpu:9,.0f} per CPU second, "
            f"{cpu / folding:5.1f} × the fold alone"
        )
        if profiler:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
