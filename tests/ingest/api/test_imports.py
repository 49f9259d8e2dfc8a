"""Imports by the API: as a form or as a body, looked at first or not, and nobody else's."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from ingest.core.keys import KeyKind
from ingest.models import Event, Identifier, Import, Project
from ingest.services import imports
from tests.builders import Answer, caller_of, make_key, make_project, problem_of

pytestmark = pytest.mark.django_db

EVENTS = b"email,event,Plan\nada@example.com,signup,team\nnobody,signup,=cmd()\n"


@pytest.fixture(autouse=True)
def _home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.IMPORT_DIRECTORY = tmp_path / "imports"
    monkeypatch.setattr(imports, "_send", lambda *_, **__: None)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def key(project: Project) -> str:
    return make_key(project)


def upload(key: str, data: bytes, path: str = "/api/imports", **fields: Any) -> Answer:
    form = {"kind": "events", "file": SimpleUploadedFile("list.csv", data), **fields}
    return Client().post(path, form, headers={"Authorization": f"Bearer {key}"})


def send(key: str, data: bytes, query: str, content_type: str = "text/csv", **headers: str) -> Answer:
    return Client().generic(
        "POST",
        f"/api/imports{query}",
        data,
        content_type=content_type,
        headers={"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): each for name, each in headers.items()},
    )


def finish() -> None:
    for imported in Import.objects.filter(status="running"):
        for _ in imports.portions(imported.pk):
            pass


def test_a_form_with_a_file_is_imported(project: Project, key: str) -> None:
    begun = upload(key, EVENTS, mapping=json.dumps({"Plan": "traits.plan"}))
    finish()
    answer = caller_of(project).get(f"/api/imports/{begun.json()['id']}").json()

    assert begun.status_code == 202
    assert begun.json()["status"] == "running"
    assert (answer["status"], answer["read"], answer["accepted"], answer["rejected"]) == ("done", 2, 1, 1)
    assert answer["progress"] == 1
    assert answer["rejectedRows"][0]["line"] == 3
    assert Event.objects.get().traits == {"plan": "team"}


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("text/csv", EVENTS),
        ("application/x-ndjson", b'{"email": "a@b.c", "event": "signup", "properties": {"plan": 3}}\n{"email": 1}\n'),
    ],
)
def test_a_body_is_imported(key: str, content_type: str, data: bytes) -> None:
    answer = send(key, data, "?kind=events&timeZone=UTC&fileName=x", content_type)
    finish()

    assert answer.status_code == 202, answer.content
    assert Event.objects.count() == 1


def test_rejected_rows_are_a_csv_that_executes_nothing(project: Project, key: str) -> None:
    begun = upload(key, b"email,event\nnobody,signup\n=cmd|x,signup\n").json()
    finish()

    answer = caller_of(project).get(f"/api/imports/{begun['id']}/rejected")

    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "line,reason,row"
    assert lines[1].startswith("2,")
    assert lines[1].endswith('"nobody,signup"')
    assert lines[2].endswith('"\'=cmd|x,signup"')


def test_a_preview_stores_nothing(key: str, settings: Settings) -> None:
    answer = upload(key, EVENTS, "/api/imports/preview").json()

    assert answer["mapping"] == {"email": "email", "event": "eventType", "Plan": "properties.plan"}
    assert (answer["format"], answer["delimiter"], answer["encoding"]) == ("csv", ",", "utf-8")
    assert answer["rows"][0]["who"] == {"email": "ada@example.com"}
    assert "e-mail" in answer["rows"][1]["rejected"]
    assert not Import.objects.exists()
    assert not list(settings.IMPORT_DIRECTORY.iterdir())


@pytest.mark.parametrize(
    ("fields", "data", "pointer"),
    [
        ({"kind": "people"}, EVENTS, "/kind"),
        ({"mapping": "[]"}, EVENTS, "/mapping"),
        ({"mapping": '{"Plan": 1}'}, EVENTS, "/mapping"),
        ({"mapping": '{"Nothing": "email"}'}, EVENTS, "/mapping/Nothing"),
        ({"mapping": '{"Plan": "nonsense"}'}, EVENTS, "/mapping/Plan"),
        ({"mapping": '{"Plan": "properties.a\\u0000b"}'}, EVENTS, "/mapping/Plan"),
        ({"options": "{"}, EVENTS, "/options"),
        ({"options": '{"dateOrder": "ymd"}'}, EVENTS, "/options/dateOrder"),
        ({"options": '{"unknown": 1}'}, EVENTS, "/options/unknown"),
        ({}, b"", "/file"),
        ({}, b"\x1f\x8b packed", "/file"),
        ({}, b"email,event,date\na@b.c,x,01/02/2024\n", "/options/dateOrder"),
        ({}, b"email\na@b.c\n", "/options/eventType"),
        ({}, b"plan,event\nx,y\n", "/mapping"),
    ],
)
def test_what_cannot_be_imported_is_a_problem_with_a_pointer(
    key: str, settings: Settings, fields: dict[str, str], data: bytes, pointer: str
) -> None:
    problem = problem_of(upload(key, data, **fields))

    assert problem["status"] == 400
    assert pointer in [each["pointer"] for each in problem["errors"]]
    assert not Import.objects.exists()
    assert not settings.IMPORT_DIRECTORY.exists() or not list(settings.IMPORT_DIRECTORY.iterdir())


@pytest.mark.parametrize(
    "data",
    [
        rb"""{"ema\u0000il": "ada\u0000@example.com", "plan\u0000": {"a\u0000": "b\u0000"}}
{"email": "\u0000no"}""",
        b"ema\x00il,plan\nada\x00@example.com,\x00\n\x00no,x\n",
    ],
)
def test_nul_characters_which_no_database_keeps_are_left_out(project: Project, key: str, data: bytes) -> None:
    answer = send(key, data, "?kind=leads", "application/x-ndjson")
    assert answer.status_code == 202, answer.content

    finish()

    imported = Import.objects.get()
    assert (imported.status, imported.accepted, imported.rejected) == ("done", 1, 1)
    assert Identifier.objects.filter(project=project, value="ada@example.com").exists()


def test_a_form_without_a_file_is_a_problem(key: str) -> None:
    answer = Client().post("/api/imports", {"kind": "events"}, headers={"Authorization": f"Bearer {key}"})

    assert problem_of(answer)["errors"][0]["pointer"] == "/file"


def test_a_file_that_is_too_large_is_refused(key: str, settings: Settings) -> None:
    settings.IMPORT_MAX_MEGABYTES = 1
    large = EVENTS + b"x" * (1024 * 1024)

    assert problem_of(upload(key, large))["status"] == 413
    assert problem_of(send(key, large, "?kind=events"))["status"] == 413
    assert not Import.objects.exists()


def test_a_packed_body_is_refused(key: str) -> None:
    assert problem_of(send(key, EVENTS, "?kind=events", Content_Encoding="gzip"))["status"] == 415


def test_an_import_can_be_cancelled(project: Project, key: str) -> None:
    begun = upload(key, EVENTS).json()

    answer = caller_of(project).post(f"/api/imports/{begun['id']}/cancel")
    finish()

    assert answer.json()["status"] == "cancelled"
    assert not Event.objects.exists()


def test_another_projects_import_is_not_found(key: str) -> None:
    begun = upload(key, EVENTS).json()
    stranger = caller_of(make_project("Strangers"))

    for path in (f"/api/imports/{begun['id']}", f"/api/imports/{begun['id']}/rejected", "/api/imports/nonsense"):
        assert problem_of(stranger.get(path))["status"] == 404
    assert problem_of(stranger.post(f"/api/imports/{begun['id']}/cancel"))["status"] == 404
    assert stranger.get("/api/imports").json()["results"] == []


def test_a_write_key_may_not_import(project: Project) -> None:
    assert problem_of(upload(make_key(project, KeyKind.WRITE), EVENTS))["status"] == 403


def test_imports_are_listed_newest_first_in_two_queries(
    project: Project, key: str, django_assert_num_queries: Any
) -> None:
    ids = [upload(key, EVENTS).json()["id"] for _ in range(3)]
    caller = caller_of(project)

    with django_assert_num_queries(2):
        answer = caller.get("/api/imports").json()

    assert [each["id"] for each in answer["results"]] == ids[::-1]
