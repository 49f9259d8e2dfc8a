"""How fast and in how much memory a project is rescored: `python -m bench.rescore --events 1000000 --leads 50000`.

It makes a scratch database of its own (SQLite in a temporary directory, or the empty PostgreSQL one that DATABASE_URL
names), fills it with events directly, and measures a dry run, a first rescore that writes everything, one that finds
everything right already, and one after a new version that changes most entries. It prints events per second of this
process's CPU time and by the clock, the ratio to the dry run, and the highest resident memory so far.
"""

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

TYPES = ("page_view", "page_view", "page_view", "email_open", "download", "signup", "unsubscribe", "other")
START = datetime(2025, 1, 1, tzinfo=UTC)
CHUNK = 20_000


def main() -> None:
    """Fill a scratch database, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--long", type=int, default=0, help="events of one more lead that has very many")
    parser.add_argument("--profile", action="store_true", help="print where the time of the second rescore goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadscore-bench-") as home:
        os.environ["LEADSCORE_HOME"] = home
        os.environ.setdefault("BROKER_URL", "memory://")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
        _run(options)


def _run(options: argparse.Namespace) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from ingest.services.projects import create_project

    project = create_project("Bench", now=START)
    fill(project.pk, options)
    base: float | None = None
    for name, work in _cases(project.pk):
        with _profiled(enabled=options.profile and name in ("dry run", "rescore: nothing to change")):
            begun, cpu_begun = time.perf_counter(), time.process_time()
            events = work()
            took, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
        rate = events / cpu
        base = base or rate
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:<30} {rate:>9,.0f} events/s of CPU {events / took:>9,.0f} by the clock", end="")
        print(f"   {rate / base:4.2f}   {rss:4.0f} MB at most", flush=True)


def _cases(project_id: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    from django.utils import timezone

    from scoring.core.preview import Tally
    from scoring.models import Rule
    from scoring.services import walks
    from scoring.services.publication import publish_draft
    from scoring.services.rescore import batches, preview_leads
    from scoring.timelines import timeline_of

    def dry_run() -> int:
        tally = Tally()
        for lead_ids in batches(project_id):
            tally.merge(preview_leads(project_id, lead_ids, timeline_of(project_id), now=timezone.now()))
        return tally.events

    def rescore() -> int:
        walk = walks.start_rescore(project_id, by=None, now=timezone.now(), in_background=False)
        for part in walk.parts.all():
            for _ in walks.steps(part.pk):
                pass
        walk.refresh_from_db()
        assert walk.status == walk.Status.DONE
        return int(walk.result["events"])

    yield "dry run", dry_run
    yield "rescore: all is new", rescore
    yield "rescore: nothing to change", rescore
    Rule.objects.filter(scorecard__project=project_id, name="Page view").update(points=7)
    publish_draft(project_id, by=None, note="", applies_from=None, now=timezone.now())
    yield "rescore: most entries change", rescore


def fill(project_id: Any, options: argparse.Namespace) -> None:
    """Write leads and their events into the empty project, directly."""
    from ingest import database
    from ingest.ids import new_id
    from ingest.models import Event, Lead

    rng = random.Random(1)
    leads = [new_id() for _ in range(options.leads + bool(options.long))]
    rows: list[tuple[Any, ...]] = [(lead, project_id, "", "", "", {}, {}, START) for lead in leads]
    fields: tuple[str, ...] = ("id", "project", "name", "email", "company", "traits", "trait_clock", "created_at")
    for index in range(0, len(rows), CHUNK):
        database.insert_rows(Lead, fields, rows[index : index + CHUNK])
    fields = ("id", "project", "event_id", "lead", "kind", "event_type", "occurred_at", "received_at", "session_id",
              "properties", "traits", "context")  # fmt: skip
    owners = [rng.randrange(options.leads) for _ in range(options.events)] + [options.leads] * options.long
    for index in range(0, len(owners), CHUNK):
        database.insert_rows(
            Event,
            fields,
            [
                (
                    new_id(),
                    project_id,
                    f"event-{number:09}",
                    leads[owner],
                    "activity",
                    rng.choice(TYPES),
                    START + timedelta(seconds=rng.randrange(30_000_000), milliseconds=number % 1000),
                    START,
                    "",
                    {"path": rng.choice(["/", "/pricing", "/docs"]), "amount": number % 100},
                    {},
                    {"ip": "192.0.2.1"},
                )
                for number, owner in enumerate(owners[index : index + CHUNK], index)
            ],
        )


@contextmanager
def _profiled(*, enabled: bool) -> Iterator[None]:
    if not enabled:
        yield
        return
    import cProfile
    import pstats

    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
