"""What tests begin with: a project, its keys, its leads and what they do. Made by hand, nothing random."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Lead, Membership, Project, User
from ingest.services.keys import issue_key
from ingest.slots import SLOTS
from scoring.services.drain import drain

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)

Answer = Any  # what Django's test client returns


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Speaks to the API as a program does: with a key, or without one, and with JSON or with whatever it likes."""

    token: str | None = None
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = b"", **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: object) -> Answer:
        return self.call("PATCH", path, body)

    def call(self, method: str, path: str, body: object = b"", **headers: str) -> Answer:
        """Send a request; `body` is sent as it is when it is bytes, else as JSON."""
        authorization = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return self.client.generic(
            method,
            path,
            body if isinstance(body, bytes) else json.dumps(body),
            content_type="application/json",
            headers=authorization | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def track(self, event_type: str = "signup", **fields: Any) -> Answer:
        """Send one event, by default of the person whose user id is 1."""
        if not fields.keys() & {"userId", "anonymousId", "email", "leadId"}:
            fields["userId"] = "1"
        return self.post("/api/events", {"eventType": event_type, **fields})


def make_project(name: str = "Acme") -> Project:
    return Project.objects.create(name=name)


def make_key(project: Project, kind: KeyKind = KeyKind.SECRET, **values: Any) -> str:
    """Return the token of a new key of the project."""
    key, new = issue_key(project.pk, kind)
    if values:
        ApiKey.objects.filter(pk=key.pk).update(**values)
    return new.token


def caller_of(project: Project, kind: KeyKind = KeyKind.SECRET, **values: Any) -> Caller:
    """Return somebody who holds a new key of the project."""
    return Caller(token=make_key(project, kind, **values))


def make_lead(project: Project, **values: Any) -> Lead:
    return Lead.objects.create(
        project=project,
        **{"name": "Ada Lovelace", "email": "ada@example.com", "company": "Engines", **values},
    )


def make_member(project: Project, username: str, **values: Any) -> User:
    user = User.objects.create_user(username=username, email=f"{username}@example.com", is_staff=True)
    Membership.objects.create(project=project, user=user, **values)
    return user


def drain_all(now: datetime | None = None) -> int:
    """Score until nothing is due; return how many batches that took."""
    batches = 0
    while drain(range(SLOTS), now=now or timezone.now()):
        batches += 1
    return batches


def problem_of(answer: Answer) -> Mapping[str, Any]:
    """Return the problem document of an error answer, after a look at whether it is a whole one."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    problem: dict[str, Any] = answer.json()
    assert problem.keys() >= {"type", "title", "status", "detail", "code", "message", "errors"}
    assert problem["status"] == answer.status_code
    assert problem["message"] == problem["detail"]
    assert all(found.keys() == {"pointer", "detail"} for found in problem["errors"])
    return problem
