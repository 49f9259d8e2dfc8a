"""Files that were imported and rulings on events: they name nobody who was erased or of whom nothing is stored."""

from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from ingest.core.identity import Name
from ingest.core.imports.options import parse_options
from ingest.models import Erasure, Event, Import, Project, RejectedRow, Ruling, Verdict
from ingest.services import imports
from ingest.services.erasures import erase
from ingest.services.suppressions import suppress
from tests.builders import Caller, caller_of, drain_all, make_project
from tests.privacy.build import STRINGS, found_in_database, ids_of, make_grace

pytestmark = pytest.mark.django_db

FILE = (
    b"email,event,date\ngrace@navy.example,signup,2024-01-05\nada@example.com,signup,2024-01-05\n"
    b"grace@navy.example,signup,cobol\nada@example.com,signup,never\n"
)


@pytest.fixture(autouse=True)
def _home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.IMPORT_DIRECTORY = tmp_path / "imports"
    monkeypatch.setattr(imports, "_send", lambda *_, **__: None)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def caller(project: Project) -> Caller:
    return caller_of(project)


def take_in(project: Project) -> Import:
    now = timezone.now()
    imported = imports.take_in(project.pk, [FILE], kind="events", file_name="f.csv", by=imports.Asker(), now=now)
    options = parse_options({})
    imported = imports.start(imported, options, imports.look_at(imported, options, mapping=None, now=now), now=now)
    list(imports.portions(imported.pk))
    imported.refresh_from_db()
    return imported


def erase_grace(project: Project) -> None:
    lead_id = Event.objects.filter(lead__email="grace@navy.example").values_list("lead", flat=True).first()
    assert lead_id is not None
    assert erase(project.pk, lead_id, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now()) is not None


def test_a_row_about_somebody_suppressed_is_rejected_and_not_kept(project: Project) -> None:
    suppress(project.pk, Name("email", "grace@navy.example"), reason="", by="dana", now=timezone.now())

    imported = take_in(project)

    assert (imported.accepted, imported.rejected) == (1, 3)
    row = RejectedRow.objects.get(line=2)
    assert row.raw == ""
    assert "nothing may be stored" in row.reason


def test_rejected_rows_that_name_an_erased_person_go_and_others_stay(project: Project) -> None:
    take_in(project)
    assert RejectedRow.objects.count() == 2

    erase_grace(project)

    assert found_in_database(("grace@navy.example", "cobol")) == []
    assert [row.line for row in RejectedRow.objects.all()] == [5]


def test_the_same_file_again_stores_nothing_of_the_erased_person(project: Project) -> None:
    take_in(project)
    erase_grace(project)
    events = Event.objects.count()

    again = take_in(project)

    assert (again.accepted, Event.objects.count()) == (0, events)


@pytest.mark.parametrize("by_range", [True, False])
def test_rulings_name_no_lead_and_no_event_of_an_erased_person(
    project: Project, caller: Caller, *, by_range: bool
) -> None:
    lead_id = make_grace(caller, project)
    caller.track(eventId="other", userId="ada")
    drain_all()
    about = {"range": {"leadId": lead_id}} if by_range else {"eventIds": ["secret-event-2", "other"]}
    assert caller.post("/api/events/exclude", about | {"reason": "A test"}).status_code < 300
    excluded = Verdict.objects.filter(excluded=True).count()
    assert excluded > 0

    assert caller.call("DELETE", f"/api/leads/{lead_id}").status_code == 204

    assert found_in_database((*STRINGS, *ids_of([UUID(lead_id)]))) == []
    assert Verdict.objects.filter(excluded=True).count() == excluded
    assert ("other" in str(Ruling.objects.get().selection)) is not by_range
