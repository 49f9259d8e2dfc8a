"""How many rows of a file a CPU second are read, and are imported, and how much memory that takes.

On the database that `DATABASE_URL` names, in a project that is removed afterwards:

    python -m bench.imports [--rows 1000000] [--leads 50000]
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402  (Django must be set up first)
from django.utils import timezone  # noqa: E402

from bench.drain import remove  # noqa: E402
from ingest import imported_files  # noqa: E402
from ingest.core.imports.options import ImportOptions  # noqa: E402
from ingest.core.imports.records import read_records  # noqa: E402
from ingest.core.imports.rows import Converter  # noqa: E402
from ingest.services import imports  # noqa: E402
from ingest.services.projects import create_project  # noqa: E402


def write(path: Path, *, rows: int, leads: int) -> None:
    """Write a CSV as an export of a CRM is."""
    with path.open("w") as file:
        file.write("E-Mail,Event,Date,Path,Plan\n")
        for number in range(rows):
            second = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
            day = f"2025-{1 + number % 12:02d}-{1 + number % 28:02d}"
            file.write(f"p{number % leads}@example.com,Page View,{day} {second},/docs/{number % 97},team\n")


def peak() -> float:
    """Return the most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--leads", type=int, default=50_000)
    options = arguments.parse_args()
    project = create_project("Benchmark of imports", now=timezone.now())
    try:
        with tempfile.TemporaryDirectory() as home:
            path = Path(home) / "events.csv"
            write(path, rows=options.rows, leads=options.leads)
            before = peak()
            imported = imports.note_file(
                project.pk,
                imported_files.look_over(path),
                kind="events",
                file_name=path.name,
                by=imports.Asker(),
                now=timezone.now(),
                in_background=False,
            )
            found = imports.look_at(imported, ImportOptions(), now=timezone.now())
            begun = time.process_time()
            with path.open("rb") as file:
                converter = Converter(found.layout, now=timezone.now())
                records = read_records(file, found.layout, offset=found.layout.start, line=1)
                read = sum(1 for _ in map(converter.convert, records))
            seconds = time.process_time() - begun
            print(f"{read:,} rows on {connection.vendor}")
            print(f"read and converted only  {read / seconds:9,.0f} rows per CPU second")
            imports.start(imported, ImportOptions(), found, now=timezone.now())
            begun = time.process_time()
            for _ in imports.portions(imported.pk):
                pass
            seconds = time.process_time() - begun
            grown = peak() - before
            print(
                f"imported                 {read / seconds:9,.0f} rows per CPU second, {grown:.0f} MB more than before"
            )
            imported_files.delete(imported.pk)
    finally:
        with transaction.atomic():
            remove(project)


if __name__ == "__main__":
    main()
