"""The demo project: made once, kept while it works, mended where it does not."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from ingest.models import ApiKey, Project, User
from ingest.selectors import active_key
from leadscore.running.demo import Demo, DemoFile, prepare_demo

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def prepare(kept: Demo | None = None, *, url: str = "http://127.0.0.1:8000") -> Demo:
    return prepare_demo(kept, url=url, now=NOW)


def test_a_first_run_makes_a_project_with_a_log_in_and_two_keys() -> None:
    demo = prepare()
    project = Project.objects.get()
    user = authenticate(username=demo.username, password=demo.password)
    assert isinstance(user, User)
    assert user.is_staff
    assert demo.projectId == str(project.pk)
    assert list(project.members.all()) == [user]
    assert [key.kind for token in (demo.writeKey, demo.secretKey) if (key := active_key(token))] == ["write", "secret"]


def test_what_still_works_is_kept() -> None:
    demo = prepare()
    assert prepare(demo) == demo
    assert ApiKey.objects.count() == 2


def test_another_port_changes_the_address_only() -> None:
    demo = prepare()
    assert prepare(demo, url="http://127.0.0.1:9000") == replace(demo, url="http://127.0.0.1:9000")


def test_a_key_that_no_longer_works_is_replaced_and_the_rest_kept() -> None:
    demo = prepare()
    ApiKey.objects.filter(kind="secret").update(active=False)
    mended = prepare(demo)
    assert mended == replace(demo, secretKey=mended.secretKey)
    assert mended.secretKey != demo.secretKey
    assert active_key(mended.secretKey)


def test_a_changed_password_is_replaced_and_the_rest_kept() -> None:
    demo = prepare()
    user = User.objects.get()
    user.set_password("somebody changed it")
    user.save()
    mended = prepare(demo)
    assert mended == replace(demo, password=mended.password)
    assert authenticate(username=mended.username, password=mended.password)


def test_without_its_file_the_same_project_gets_new_keys() -> None:
    demo = prepare()
    again = prepare()
    assert again.projectId == demo.projectId
    assert active_key(again.secretKey)
    assert again.secretKey != demo.secretKey


def test_the_keys_of_another_database_are_replaced() -> None:
    elsewhere = Demo(
        url="http://127.0.0.1:8000",
        username="demo",
        password="of another database",
        writeKey="pk_0",
        secretKey="sk_0",
        projectId="01890000-0000-7000-8000-000000000000",
    )
    demo = prepare(elsewhere)
    assert active_key(demo.writeKey)
    assert demo.projectId == str(Project.objects.get().pk)


def test_the_file_is_private_and_put_aside_until_the_next_run_is_ready(tmp_path: Path) -> None:
    file, demo = DemoFile(tmp_path), prepare()
    assert file.put_aside() is None
    file.write(demo)
    path = tmp_path / "demo.json"
    assert json.loads(path.read_text()) == asdict(demo)
    assert path.stat().st_mode & 0o777 == 0o600
    assert file.put_aside() == demo
    assert not path.exists()
    assert file.put_aside() == demo  # also when the run before was never ready
    file.write(demo)
    assert [found.name for found in tmp_path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"url": 1}'])
def test_a_file_that_is_not_ours_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)
    assert DemoFile(tmp_path).put_aside() is None
