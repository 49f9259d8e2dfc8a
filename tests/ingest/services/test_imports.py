"""Imports end to end: stored once whatever is repeated, killed or cancelled, and quiet unless asked."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from automation.models import Automation, Run
from ingest.core.events import Refused
from ingest.core.imports.options import Kind, parse_options
from ingest.models import Event, Import, Lead, PendingEvent, Project, RejectedRow
from ingest.services import imports
from tests.builders import caller_of, drain_all, make_project

pytestmark = pytest.mark.django_db

EVENTS = b"email,event,date\nada@example.com,demo_request,2024-01-05\nbob@example.com,signup,2024-01-06 10:00\n"


@pytest.fixture(autouse=True)
def _home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.IMPORT_DIRECTORY = tmp_path / "imports"
    monkeypatch.setattr(imports, "_send", lambda *_, **__: None)


@pytest.fixture
def project() -> Project:
    return make_project()


def begin(project: Project, data: bytes, kind: Kind = "events", **options: Any) -> Import:
    now = timezone.now()
    mapping = options.pop("mapping", None)
    imported = imports.take_in(project.pk, [data], kind=kind, file_name="f.csv", by=imports.Asker(), now=now)
    chosen = parse_options(options)
    return imports.start(imported, chosen, imports.look_at(imported, chosen, mapping=mapping, now=now), now=now)


def run(imported: Import) -> Import:
    exhaust(imports.portions(imported.pk))
    imported.refresh_from_db()
    return imported


def exhaust(steps: Iterable[object]) -> None:
    for _ in steps:
        pass


def counts(imported: Import) -> tuple[int, int, int, int]:
    return imported.read, imported.accepted, imported.duplicates, imported.rejected


def log() -> list[tuple[Any, ...]]:
    return list(Event.objects.order_by("event_id").values_list("event_id", "lead", "occurred_at", "properties"))


def test_events_keep_their_time_and_are_scored(project: Project) -> None:
    done = run(begin(project, EVENTS))
    drain_all()

    assert (done.status, counts(done)) == ("done", (2, 2, 0, 0))
    assert {str(event.occurred_at) for event in Event.objects.all()} == {
        "2024-01-05 00:00:00+00:00",
        "2024-01-06 10:00:00+00:00",
    }
    assert not PendingEvent.objects.exists()


def test_importing_a_file_again_changes_nothing_nor_does_what_it_has_grown_by(project: Project) -> None:
    twice = EVENTS + b"ada@example.com,demo_request,2024-01-05\n"
    first = run(begin(project, twice))
    before = log()

    again = run(begin(project, twice.replace(b",", b";")))
    grown = run(begin(project, twice + b"ada@example.com,demo_request,2024-01-05\n"))

    assert counts(first) == (3, 3, 0, 0)
    assert counts(again) == (3, 0, 3, 0)
    assert counts(grown) == (4, 1, 3, 0)
    assert [row for row in log() if row in before] == before


def test_an_id_of_the_rows_own_wins(project: Project) -> None:
    data = b"email,event,event id\na@b.c,signup,one\na@b.c,signup,one\n"

    assert counts(run(begin(project, data))) == (2, 1, 1, 0)
    assert Event.objects.get().event_id == "one"


def test_leads_are_found_by_their_identifiers_or_made(project: Project) -> None:
    caller_of(project).track(email="ada@example.com", userId="7")
    data = "E-Mail;Vorname;Nachname;Firma;Branche\nADA@example.com;Ada;Lovelace;Engines;Mühlen\nb@c.de;Bob;;;\n"

    done = run(begin(project, data.encode("cp1252"), "leads"))
    again = run(begin(project, data.encode(), "leads"))

    assert counts(done) == (2, 2, 0, 0)
    assert counts(again) == (2, 0, 2, 0)
    ada = Lead.objects.get(email="ada@example.com")
    assert (ada.name, ada.company, ada.traits["branche"]) == ("Ada Lovelace", "Engines", "Mühlen")
    assert Lead.objects.count() == 2


def test_a_bad_row_is_named_and_the_others_are_taken(project: Project) -> None:
    data = (
        b"email,event,date\nnobody,signup,2024-01-01\na@b.c,signup,soon\na@b.c,signup,2024-01-01\na@b.c,x,2999-01-01\n"
    )

    done = run(begin(project, data))

    assert counts(done) == (4, 1, 0, 3)
    assert next((row.line, row.raw) for row in RejectedRow.objects.order_by("line")) == (2, "nobody,signup,2024-01-01")
    assert "e-mail" in RejectedRow.objects.get(line=2).reason
    assert "2026-01-31" in RejectedRow.objects.get(line=3).reason
    assert "future" in RejectedRow.objects.get(line=5).reason


def test_a_lead_of_another_project_is_rejected_as_one_that_there_is_not(project: Project) -> None:
    stranger = Lead.objects.create(project=make_project("Strangers"))
    data = f"leadId,event\n{stranger.pk},signup\n{UUID(int=1)},signup\n".encode()

    assert counts(run(begin(project, data))) == (2, 0, 0, 2)
    assert not Event.objects.exists()


def many(count: int) -> bytes:
    rows = (f"u{number % 50},page_view,2024-01-01\n" for number in range(count))
    return ("userId,event,date\n" + "".join(rows)).encode()


def test_what_was_killed_goes_on_and_doubles_nothing(project: Project) -> None:
    imported = begin(project, many(2_500))
    for _ in imports.portions(imported.pk):
        break  # as a kill -9 after a portion would
    (imported_rows,) = Path(imported.path).parent.glob(f"{imported.pk}.rows")
    for lost in imported_rows.parent.glob(f"{imported.pk}.rows*"):
        lost.unlink()  # and the notes beside the file are lost, too

    done = run(imported)

    assert counts(done) == (2_500, 2_500, 0, 0)
    assert Event.objects.count() == 2_500
    assert counts(run(begin(project, many(2_500)))) == (2_500, 0, 2_500, 0)


def test_a_portion_that_is_not_committed_is_done_again_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = begin(project, many(1_500))
    steps = imports.portions(imported.pk)
    next(steps)
    with monkeypatch.context() as broken:
        broken.setattr(imports, "record_in_unit_of_work", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            next(steps)

    done = run(imported)

    assert counts(done) == (1_500, 1_500, 0, 0)
    assert counts(run(begin(project, many(1_500)))) == (1_500, 0, 1_500, 0)


def test_of_two_who_work_on_an_import_one_stops(project: Project) -> None:
    imported = begin(project, many(2_500))
    one, other = imports.portions(imported.pk), imports.portions(imported.pk)
    next(one)
    next(other)

    with pytest.raises(imports.Overtaken):
        next(one)
    exhaust(other)

    imported.refresh_from_db()
    assert counts(imported) == (2_500, 2_500, 0, 0)
    assert Event.objects.count() == 2_500


def test_a_cancelled_import_stops(project: Project) -> None:
    imported = begin(project, many(2_500))
    steps = imports.portions(imported.pk)
    next(steps)
    imports.cancel(imported, now=timezone.now())

    with pytest.raises(imports.Overtaken):
        next(steps)

    assert Event.objects.count() == 1_000


def test_ambiguous_dates_are_asked_about_and_never_guessed(project: Project) -> None:
    data = b"email,event,date\na@b.c,signup,03/04/2024\n"

    with pytest.raises(Refused) as refused:
        begin(project, data)
    run(begin(project, data, dateOrder="mdy"))

    assert refused.value.problems[0].pointer == "/options/dateOrder"
    assert Event.objects.get().occurred_at.month == 3


def test_the_other_dates_of_a_file_tell_the_order(project: Project) -> None:
    run(begin(project, b"email,event,date\na@b.c,signup,03/04/2024\na@b.c,login,25/04/2024\n"))

    assert Event.objects.get(event_type="signup").occurred_at.month == 4


def test_times_without_a_zone_are_the_projects(project: Project) -> None:
    Project.objects.update(time_zone="Europe/Berlin")

    run(begin(project, b"email,event,date\na@b.c,signup,2024-07-01 12:00\n"))

    assert Event.objects.get().occurred_at.hour == 10


def test_an_import_sets_off_no_automation_and_what_happens_afterwards_does(project: Project) -> None:
    Automation.objects.create(project=project, name="Tell", to_stage="hot")
    Automation.objects.create(project=project, name="Also", trigger="event", event_type="demo_request")
    run(begin(project, EVENTS))
    caller_of(project).track("demo_request", email="bob@example.com")
    drain_all()

    assert {run.lead.email for run in Run.objects.all()} == {"bob@example.com"}
    assert Run.objects.count() == 2


def test_quiet_and_other_events_of_a_lead_in_one_batch_are_told_apart(project: Project) -> None:
    Automation.objects.create(project=project, name="Warm", to_stage="warm")
    Automation.objects.create(project=project, name="Tell", to_stage="hot")
    caller_of(project).track("signup", email="ada@example.com")  # 20: warm, were it not for what is imported
    run(begin(project, EVENTS))  # 50: hot
    drain_all()

    assert not Run.objects.exists()


def test_an_import_that_shall_sets_off_automations(project: Project) -> None:
    Automation.objects.create(project=project, name="Tell", to_stage="hot")
    run(begin(project, EVENTS, fireAutomations=True))
    drain_all()

    assert Run.objects.count() == 1


def test_what_is_parked_and_retried_stays_quiet(project: Project) -> None:
    from scoring.models import DeadLetter
    from scoring.services import dead_letters
    from scoring.services.projection import Failure

    run(begin(project, EVENTS))
    keys = list(PendingEvent.objects.values_list("pk", flat=True))
    dead_letters.park({key: Failure(error="x", traceback="y") for key in keys}, now=timezone.now())
    assert DeadLetter.objects.filter(quiet=True).count() == 2

    dead_letters.retry(keys, now=timezone.now())

    assert PendingEvent.objects.filter(quiet=True).count() == 2


def test_a_portion_costs_the_same_number_of_statements_whatever_it_holds(project: Project) -> None:
    def statements(count: int) -> int:
        imported = begin(project, many(count).replace(b"2024", b"%d" % (2000 + count % 20)))
        with CaptureQueriesContext(connection) as captured:
            run(imported)
        return len(captured)

    statements(60)  # makes the leads
    assert statements(100) == statements(900)


def test_files_and_rejected_rows_are_kept_for_a_while_only(project: Project, settings: Settings) -> None:
    done = run(begin(project, b"email,event\nnobody,x\n"))
    settings.IMPORT_KEEP_DAYS = 0

    imports.tidy_up(now=timezone.now())

    done.refresh_from_db()
    assert (done.path, done.rejected, RejectedRow.objects.count()) == ("", 1, 0)
    assert not list(settings.IMPORT_DIRECTORY.iterdir())


def test_the_sweep_goes_on_with_what_stands_still(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[UUID] = []
    imported = begin(project, EVENTS)
    monkeypatch.setattr(imports, "_send", lambda key, _: sent.append(key))

    imports.go_on(now=timezone.now())
    Import.objects.update(moved_at=timezone.now() - 2 * imports.STALLED_AFTER)
    imports.go_on(now=timezone.now())

    assert sent == [imported.pk]


def test_an_import_waits_while_too_many_events_wait_to_be_scored(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_WAITING", 1)
    caller_of(project).track()
    imported = begin(project, EVENTS)

    imports.work_on(imported.pk, imported.position, seconds=1)
    assert Event.objects.count() == 1
    drain_all()
    imports.work_on(imported.pk, imported.position, seconds=1)

    assert Event.objects.count() == 3


def test_an_import_whose_file_is_gone_ends_with_the_reason(project: Project) -> None:
    imported = begin(project, EVENTS)
    Path(imported.path).unlink()

    for _ in range(imports.MAX_FAILURES):
        imports.work_on(imported.pk, imported.position, seconds=1)

    imported.refresh_from_db()
    assert (imported.status, "share" in imported.error) == ("failed", True)
