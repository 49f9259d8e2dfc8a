"""The pages about imports: a file is looked at before it is stored, by members only."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from ingest.models import Event, Import, Project
from ingest.services import imports
from tests.builders import Answer

EVENTS = b"email;event;date;Plan\nada@example.com;Demo Request;03/04/2024;team\nnobody;signup;03/04/2024;=1+1\n"


@pytest.fixture(autouse=True)
def _home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.IMPORT_DIRECTORY = tmp_path / "imports"
    monkeypatch.setattr(imports, "_send", lambda *_, **__: None)


def upload(client: Client, project: Project, data: bytes, kind: str = "events") -> Answer:
    return client.post(f"/p/{project.pk}/imports", {"kind": kind, "file": SimpleUploadedFile("list.csv", data)})


def test_a_file_is_shown_asked_about_stored_and_its_rejected_rows_downloaded(
    browser_of_member: Client, project: Project
) -> None:
    address = upload(browser_of_member, project, EVENTS).headers["Location"]

    asked = browser_of_member.get(address).content.decode()
    answered = browser_of_member.get(f"{address}?dateOrder=dmy", headers={"HX-Request": "true"}).content.decode()
    refused = browser_of_member.post(f"{address}/start", {})
    begun = browser_of_member.post(f"{address}/start", {"dateOrder": "dmy", "column": "Plan", "target": "traits.plan"})

    assert "day first (dmy) or month first (mdy)" in asked
    assert "disabled" in asked
    assert "3 Apr 2024" in answered
    assert "<html" not in answered
    assert "demo_request" in answered
    assert (refused.status_code, begun.status_code) == (422, 302)
    assert 'data-poll="700"' in browser_of_member.get(address).content.decode()

    for _ in imports.portions(Import.objects.get().pk):
        pass
    done = browser_of_member.get(address).content.decode()
    rejected: Answer = browser_of_member.get(f"{address}/rejected")

    assert "data-poll" not in done
    assert "nobody" in done
    assert b"nobody" in b"".join(rejected.streaming_content)
    assert Event.objects.get().traits == {"plan": "team"}
    assert "list.csv" in browser_of_member.get(f"/p/{project.pk}/imports").content.decode()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x00\x01" * 50])
def test_what_is_no_table_is_refused_on_the_page(browser_of_member: Client, project: Project, data: bytes) -> None:
    answer = upload(browser_of_member, project, data)

    assert answer.status_code == 422
    assert "notice error" in answer.content.decode()
    assert not Import.objects.exists()


def test_nonsense_in_the_address_is_said_and_breaks_nothing(browser_of_member: Client, project: Project) -> None:
    address = upload(browser_of_member, project, EVENTS).headers["Location"]

    answer = browser_of_member.get(f"{address}?delimiter=x&encoding=klingon&column=no&target=email")

    assert answer.status_code == 200
    assert "notice error" in answer.content.decode()


def test_a_file_can_be_forgotten_and_a_running_import_cancelled(browser_of_member: Client, project: Project) -> None:
    first = upload(browser_of_member, project, EVENTS).headers["Location"]
    browser_of_member.post(f"{first}/cancel")
    assert not Import.objects.exists()

    second = upload(browser_of_member, project, EVENTS).headers["Location"]
    browser_of_member.post(f"{second}/start", {"dateOrder": "mdy"})
    browser_of_member.post(f"{second}/cancel")

    assert Import.objects.get().status == "cancelled"


def test_an_import_of_strangers_is_not_found(
    browser_of_member: Client, project: Project, strangers_project: Project
) -> None:
    address = upload(browser_of_member, project, EVENTS).headers["Location"]
    Import.objects.update(project=strangers_project)

    for tenant in (project, strangers_project):
        path = address.replace(str(project.pk), str(tenant.pk))
        assert browser_of_member.get(path).status_code == 404
        assert browser_of_member.get(f"{path}/rejected").status_code == 404
        assert browser_of_member.post(f"{path}/start").status_code == 404
        assert browser_of_member.post(f"{path}/cancel").status_code == 404


def test_somebody_unknown_uploads_nothing(client: Client, project: Project, settings: Settings) -> None:
    answer = upload(client, project, EVENTS)

    assert answer.status_code in {302, 403}
    assert not settings.IMPORT_DIRECTORY.exists()


def test_a_form_that_is_too_large_is_refused_before_it_is_read(
    browser_of_member: Client, project: Project, settings: Settings
) -> None:
    settings.IMPORT_MAX_MEGABYTES = 1

    assert upload(browser_of_member, project, EVENTS + b"x" * 1024 * 1024).status_code == 400
    assert not Import.objects.exists()
