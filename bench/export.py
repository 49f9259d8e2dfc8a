"""How fast and in how much memory a project is exported: `python -m bench.export --events 1000000 --leads 50000`.

It makes a scratch database of its own (SQLite in a temporary directory, or the empty PostgreSQL one that DATABASE_URL
names), fills it with scored events, and exports a tenth of the lines and then all of them, each in its own process:
lines per second by the clock, and how far the resident memory rose above what the process began with. Memory is flat
when both need the same.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.rescore import START, fill


def main() -> None:
    """Fill a scratch database, measure and print; with `--read`, be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--long", type=int, default=0, help="events of one more lead that has very many")
    parser.add_argument("--read", choices=["csv", "csv by score", "jsonl"], help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
    if options.read:
        _read(options.read, options.limit)
        return
    with tempfile.TemporaryDirectory(prefix="leadscore-bench-") as home:
        os.environ["LEADSCORE_HOME"] = home
        os.environ.setdefault("BROKER_URL", "memory://")
        _prepare(options)
        for what in ("csv", "csv by score", "jsonl"):
            for limit in (options.leads if what != "jsonl" else options.events) // 10, sys.maxsize:
                subprocess.run(
                    [sys.executable, "-m", "bench.export", "--read", what, "--limit", str(limit)], check=True
                )


def _prepare(options: argparse.Namespace) -> None:
    import django
    from django.core.management import call_command
    from django.utils import timezone

    django.setup()
    call_command("migrate", verbosity=0)
    from ingest.services.projects import create_project
    from scoring.services import walks

    project = create_project("Bench", now=START)
    fill(project.pk, options)
    walk = walks.start_rescore(project.pk, by=None, now=timezone.now(), in_background=False)
    for part in walk.parts.all():
        for _ in walks.steps(part.pk):
            pass


def _read(what: str, limit: int) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from ingest.models import Project
    from leadscore.export import export_lines
    from scoring.lead_table import lead_table

    project = Project.objects.get(name="Bench")
    now = timezone.now()
    before = _highest_memory()
    begun = time.perf_counter()
    if what == "jsonl":
        lines, size = _count(export_lines(project.pk, now=now), limit)
    else:
        order = "-score" if what == "csv by score" else "-createdAt"
        parts = lead_table(project.pk, stage=None, text=None, order=order, mark=False, now=now)
        lines, size = _count((part.encode() for part in parts), limit)
    took = time.perf_counter() - begun
    rose = (_highest_memory() - before) / 1024
    print(f"{what:<14} {lines:>10,} lines {size / 1e6:>7,.0f} MB {lines / took:>9,.0f} lines/s   {rose:4.0f} MB more")


def _highest_memory() -> int:
    """Return the most memory this program has had, in kilobytes. (`ru_maxrss` counts what ran before it, too.)"""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def _count(parts: Iterator[bytes], limit: int) -> tuple[int, int]:
    """Return how many lines and bytes there are in the parts that hold the first `limit` lines."""
    lines = size = 0
    for part in parts:
        lines += part.count(b"\n")
        size += len(part)
        if lines >= limit:
            break
    return lines, size


if __name__ == "__main__":
    main()
