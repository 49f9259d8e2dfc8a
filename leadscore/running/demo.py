"""The demo project: somewhere to log in to and keys to try, made on the first run and kept from then on.

A secret key is stored as a digest, so the file `demo.json` is the only place that still knows it.
"""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.contrib.auth import authenticate
from django.db import transaction

from automation.services.demo import create_demo_automations
from ingest.core.keys import KeyKind
from ingest.models import Project, User
from ingest.selectors import active_key, projects_of
from ingest.services.keys import issue_key
from ingest.services.people import change_password, create_administrator
from ingest.services.projects import add_member, create_project

USERNAME = "demo"
PROJECT = "Demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a first look needs; its fields are those of the file."""

    url: str
    username: str
    password: str
    writeKey: str  # noqa: N815 - JSON is camelCase
    secretKey: str  # noqa: N815
    projectId: str  # noqa: N815


class DemoFile:
    """`demo.json` in the home. It is there while the system is ready and after; a start puts it aside until then."""

    def __init__(self, home: Path) -> None:
        self._path = home / "demo.json"
        self._aside = home / "demo.previous.json"

    def put_aside(self) -> Demo | None:
        """Return what an earlier run left, `None` if nothing usable."""
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(self._aside)
        try:
            demo = Demo(**json.loads(self._aside.read_text()))
            UUID(demo.projectId)
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return None
        return demo

    def write(self, demo: Demo) -> None:
        """Write the file for its owner only, all at once."""
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(demo), file, indent=2)
            file.write("\n")
        draft.replace(self._path)
        self._aside.unlink(missing_ok=True)


def prepare_demo(kept: Demo | None, *, url: str, now: datetime) -> Demo:
    """Return a demo whose log-in and keys work: of what was kept, whatever still does, and new ones for the rest."""
    kept = kept or Demo(url=url, username=USERNAME, password="", writeKey="", secretKey="", projectId="")
    with transaction.atomic():
        user, password = _user(kept)
        project = _project(kept, user, now=now)
        return replace(
            kept,
            url=url,
            username=user.username,
            password=password,
            writeKey=_key(kept.writeKey, project, KeyKind.WRITE),
            secretKey=_key(kept.secretKey, project, KeyKind.SECRET),
            projectId=str(project.pk),
        )


def _user(kept: Demo) -> tuple[User, str]:
    if authenticate(username=kept.username, password=kept.password):
        return User.objects.get(username=kept.username), kept.password
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        return create_administrator(USERNAME, password=password), password
    change_password(user, password)
    return user, password


def _project(kept: Demo, user: User, *, now: datetime) -> Project:
    mine = projects_of(user)
    found = mine.filter(pk=kept.projectId) if kept.projectId else mine.filter(name=PROJECT)
    if kept_project := found.first():
        return kept_project
    project = create_project(PROJECT, now=now)
    add_member(project.pk, user)
    create_demo_automations(project.pk, email=f"{USERNAME}@example.com")
    return project


def _key(token: str, project: Project, kind: KeyKind) -> str:
    key = active_key(token)
    works = key is not None and key.project_id == project.pk and key.kind == kind.value
    return token if works else issue_key(project.pk, kind, name="Demo")[1].token
