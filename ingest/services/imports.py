"""Import files: take them in, look at them, and store their rows portion by portion.

Each portion is one unit of work that also moves the import's position, so an import may be killed at any moment and
goes on where it stopped; whoever finds that somebody else has moved it on stops.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone

from ingest import background, database, imported_files
from ingest.core.events import Problem, Refused
from ingest.core.identity import Name
from ingest.core.imports.inspection import Inspection, inspect
from ingest.core.imports.layout import Layout
from ingest.core.imports.options import ImportOptions, Kind
from ingest.core.imports.records import Record, read_records
from ingest.core.imports.rows import Converter, Rejected, Row
from ingest.core.suppression import spellings
from ingest.ids import new_id
from ingest.imported_files import Repeats, Stored, TooLarge
from ingest.models import ApiKey, Import, PendingEvent, Project, RejectedRow, User
from ingest.services.events import Recorded, record_in_unit_of_work
from ingest.services.suppressions import SUPPRESSED

PORTION = 1_000
MAX_REJECTED_KEPT = 50_000
MAX_FAILURES = 3
MAX_WAITING = 20_000  # events that wait to be scored before an import waits, too: live events stand behind them
STALLED_AFTER = timedelta(seconds=60)
NAMES_AT_ONCE = 50
UNCONFIRMED_FOR = timedelta(days=1)
MEGABYTE = 1024 * 1024

_REJECTED_FIELDS = ("id", "imported", "line", "reason", "raw")
log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """Somebody else has moved the import on, or ended it: this portion must not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants an import: a person or a key, or nobody but who runs the server."""

    user: User | None = None
    key: ApiKey | None = None


# --- Taking files in -------------------------------------------------------------------------------------------------


def take_in(
    project_id: UUID,
    parts: Iterable[bytes],
    *,
    kind: Kind,
    file_name: str,
    by: Asker,
    now: datetime,
    limit: int | None = None,
) -> Import:
    """Store a file to be imported; raise `Refused` for one that is too large (by default: for the settings)."""
    key = new_id()
    limit = settings.IMPORT_MAX_MEGABYTES * MEGABYTE if limit is None else limit
    try:
        stored = imported_files.store(parts, name=key, limit=limit or None)
    except TooLarge:
        detail = f"is larger than {limit // MEGABYTE:,} MB"
        raise Refused("too_large", (Problem(pointer="/file", detail=detail),)) from None
    return note_file(project_id, stored, kind=kind, file_name=file_name, by=by, now=now, key=key)


def note_file(
    project_id: UUID,
    stored: Stored,
    *,
    kind: Kind,
    file_name: str,
    by: Asker,
    now: datetime,
    key: UUID | None = None,
    in_background: bool = True,
) -> Import:
    """Note a file that lies on disk, to be imported from there."""
    return Import.objects.create(
        pk=key or new_id(),
        project_id=project_id,
        kind=kind,
        in_background=in_background,
        file_name=file_name.replace("\x00", "").replace("\\", "/").rpartition("/")[2][:200] or "import",
        path=str(stored.path),
        size=stored.size,
        digest=stored.digest,
        all_utf8=stored.all_utf8,
        requested_by=by.user,
        key=by.key,
        created_at=now,
        moved_at=now,
    )


def look_at(
    imported: Import, options: ImportOptions, *, mapping: Mapping[str, str] | None = None, now: datetime
) -> Inspection:
    """Return how an import's file would be read with these options; raise `Refused` when it cannot be."""
    zone = Project.objects.values_list("time_zone", flat=True).get(pk=imported.project_id)
    try:
        with Path(imported.path).open("rb") as file:
            return inspect(
                file,
                imported.kind,  # type: ignore[arg-type]
                options,
                mapping=mapping,
                time_zone=zone,
                all_utf8=imported.all_utf8,
                now=now,
            )
    except FileNotFoundError:
        raise Refused("invalid", (Problem(pointer="/file", detail="is not there any more: upload it again"),)) from None


def start(imported: Import, options: ImportOptions, found: Inspection, *, now: datetime) -> Import:
    """Begin to import a file as it was looked at; raise `Refused` while something has to be said first."""
    if found.problems:
        raise Refused("invalid", found.problems)

    def work() -> None:
        begun = Import.objects.filter(pk=imported.pk, status=Import.Status.UPLOADED).update(
            status=Import.Status.RUNNING,
            options=options.model_dump(by_alias=True, exclude_none=True),
            layout=found.layout.dump(),
            position=found.layout.start,
            line=found.layout.start_line,
            moved_at=now,
        )
        if begun and imported.in_background:
            database.on_commit(lambda: _send(imported.pk, found.layout.start))

    database.unit_of_work(work)
    imported.refresh_from_db()
    return imported


def cancel(imported: Import, *, now: datetime) -> None:
    """End an import that has not come to its end; what is stored stays stored."""
    open_states = (Import.Status.UPLOADED, Import.Status.RUNNING)
    Import.objects.filter(pk=imported.pk, status__in=open_states).update(
        status=Import.Status.CANCELLED, finished_at=now
    )


def discard(imported: Import) -> None:
    """Forget a file of which nothing is stored."""
    Import.objects.filter(pk=imported.pk, status=Import.Status.UPLOADED).delete()
    imported_files.delete(imported.pk)


# --- Working through them --------------------------------------------------------------------------------------------


def portions(import_id: UUID, *, position: int | None = None) -> Iterator[Import]:
    """Store a running import portion by portion, yielding it after each; with its last portion it is done.

    With a `position` that is not the import's (somebody was here before) nothing is done. Raises `Overtaken`.
    """
    imported = Import.objects.filter(pk=import_id, status=Import.Status.RUNNING).first()
    if imported is None or (position is not None and imported.position != position):
        return
    layout = Layout.load(imported.layout)
    repeats = Repeats(imported.pk)
    try:
        with Path(imported.path).open("rb") as file:
            if repeats.up_to < imported.line:
                _note_again(repeats, file, imported, layout)
            records = read_records(file, layout, offset=imported.position, line=imported.line)
            converter = Converter(layout, now=timezone.now())
            while portion := list(islice(records, PORTION)):
                _store(imported, portion, [converter.convert(record) for record in portion], repeats)
                yield imported
    finally:
        repeats.close()
    _finish(imported)


def _note_again(repeats: Repeats, file: Any, imported: Import, layout: Layout) -> None:
    """Note the rows that are stored already, because the note of them was lost."""
    converter = Converter(layout, now=timezone.now())
    records = read_records(file, layout, offset=layout.start, line=layout.start_line)
    while portion := [each for each in islice(records, PORTION) if each.end <= imported.position]:
        _count(repeats, [converter.convert(each) for each in portion], up_to=portion[-1].end_line)


def _count(repeats: Repeats, rows: Sequence[Row | Rejected], *, up_to: int) -> dict[int, int]:
    """Return per line how many rows of the same content stand before it."""
    counted = [(row.digest, row.line) for row in rows if isinstance(row, Row) and row.digest is not None]
    return dict(zip((line for _, line in counted), repeats.count(counted, up_to=up_to), strict=True))


def _store(imported: Import, records: Sequence[Record], rows: Sequence[Row | Rejected], repeats: Repeats) -> None:
    counts = _count(repeats, rows, up_to=records[-1].end_line)
    raw = {record.line: record.raw for record in records}
    usable = [row for row in rows if isinstance(row, Row)]
    named = [(row.event_id(counts.get(row.line, 0)), row.event) for row in usable]
    quiet = not imported.options.get("fireAutomations", False)

    def work() -> dict[str, int]:
        outcomes = record_in_unit_of_work(imported.project_id, named, now=timezone.now(), quiet=quiet)
        rejected = [row for row in rows if isinstance(row, Rejected)]
        rejected += [
            Rejected(
                line=row.line,
                raw="" if outcome.code == SUPPRESSED else raw[row.line],
                reason=f"This row’s {outcome.detail.lstrip('/')}.",
            )
            for row, outcome in zip(usable, outcomes, strict=True)
            if isinstance(outcome, Refused)
        ]
        recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
        duplicates = sum(outcome.duplicate for outcome in recorded)
        added = {
            "read": len(rows),
            "accepted": len(recorded) - duplicates,
            "duplicates": duplicates,
            "rejected": len(rejected),
        }
        _keep(imported, sorted(rejected, key=lambda row: row.line))
        moved = Import.objects.filter(pk=imported.pk, position=imported.position, status=Import.Status.RUNNING).update(
            position=records[-1].end,
            line=records[-1].end_line,
            failures=0,
            moved_at=timezone.now(),
            **{name: F(name) + count for name, count in added.items()},
        )
        if not moved:
            raise Overtaken
        return added

    for name, count in database.unit_of_work(work).items():
        setattr(imported, name, getattr(imported, name) + count)
    imported.position, imported.line = records[-1].end, records[-1].end_line


def forget_person(project_id: UUID, names: Iterable[Name]) -> None:
    """Delete the rejected rows of a project that speak of one of these names: rather one too many than one too few."""
    wanted = sorted({spelled for name in names for spelled in spellings(name)})
    rows = RejectedRow.objects.filter(imported__project=project_id)
    for begin in range(0, len(wanted), NAMES_AT_ONCE):
        speaking = Q()
        for text in wanted[begin : begin + NAMES_AT_ONCE]:
            speaking |= Q(raw__icontains=text)
        while found := list(rows.filter(speaking).values_list("pk", flat=True)[:PORTION]):
            RejectedRow.objects.filter(pk__in=found).delete()


def _keep(imported: Import, rejected: Sequence[Rejected]) -> None:
    room = max(0, MAX_REJECTED_KEPT - imported.rejected)
    database.insert_rows(
        RejectedRow,
        _REJECTED_FIELDS,
        [(new_id(), imported.pk, row.line, row.reason[:500], row.raw.replace("\x00", "")) for row in rejected[:room]],
    )


def _finish(imported: Import) -> None:
    now = timezone.now()
    Import.objects.filter(pk=imported.pk, position=imported.position, status=Import.Status.RUNNING).update(
        status=Import.Status.DONE, finished_at=now, moved_at=now
    )
    imported.refresh_from_db()


def work_on(import_id: UUID, position: int, *, seconds: float) -> None:
    """Go on with an import for some seconds; then send a task that goes on, so that others have their turn.

    While many events wait to be scored it waits, too. One that keeps failing where it stands ends, with the reason.
    """
    if PendingEvent.objects.all()[:MAX_WAITING].count() == MAX_WAITING:
        waiting = Import.objects.filter(pk=import_id, position=position, status=Import.Status.RUNNING)
        if waiting.update(moved_at=timezone.now()):
            _send(import_id, position, countdown=1)
        return
    deadline = time.monotonic() + seconds
    try:
        for imported in portions(import_id, position=position):
            if time.monotonic() > deadline:
                _send(import_id, imported.position)
                return
    except Overtaken:
        return
    except (OperationalError, InterfaceError):
        raise  # the database is away: the sweep goes on when it is back
    except Exception as error:
        log.exception("import_stopped", imported=str(import_id))
        _count_failure(import_id, error)


def _count_failure(import_id: UUID, error: Exception) -> None:
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, FileNotFoundError):
        words = "The file is not there: web and delivery worker must share LEADSCORE_HOME/imports."
    Import.objects.filter(pk=import_id).update(failures=F("failures") + 1, error=words[:500])
    Import.objects.filter(pk=import_id, failures__gte=MAX_FAILURES, status=Import.Status.RUNNING).update(
        status=Import.Status.FAILED, finished_at=timezone.now()
    )


def go_on(*, now: datetime) -> int:
    """Send tasks for the imports that stand still, because theirs was lost or killed; return how many."""
    stalled = Import.objects.filter(
        status=Import.Status.RUNNING, in_background=True, moved_at__lt=now - STALLED_AFTER
    ).values_list("pk", "position")
    found = list(stalled)
    Import.objects.filter(pk__in=[key for key, _ in found]).update(moved_at=now)
    for key, position in found:
        _send(key, position)
    return len(found)


def tidy_up(*, now: datetime) -> None:
    """Delete files and rejected rows that have been kept for long enough, and uploads that nobody confirmed."""
    ended = (Import.Status.DONE, Import.Status.CANCELLED, Import.Status.FAILED)
    old = Import.objects.filter(
        status__in=ended, in_background=True, finished_at__lt=now - timedelta(days=settings.IMPORT_KEEP_DAYS)
    ).exclude(path="")
    for key in list(old.values_list("pk", flat=True)[:100]):
        imported_files.delete(key)
        RejectedRow.objects.filter(imported=key).delete()
        Import.objects.filter(pk=key).update(path="")
    forgotten = Import.objects.filter(status=Import.Status.UPLOADED, created_at__lt=now - UNCONFIRMED_FOR)
    for imported in list(forgotten[:100]):
        discard(imported)


def _send(import_id: UUID, position: int, *, countdown: int = 0) -> None:
    task, arguments = "ingest.tasks.work_on_import", [str(import_id), position]
    background.attempt(
        lambda: current_app.send_task(task, args=arguments, queue="imports", countdown=countdown, retry=False),
        task=task,
        queue="imports",
    )
