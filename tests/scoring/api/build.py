"""Asking the API as a program with a key does."""

from typing import Any

from django.test import Client

from ingest.core.keys import KeyKind
from ingest.models import Project
from ingest.services.keys import issue_key


class Api:
    """A project's API, opened by a key; answers are (status, JSON)."""

    def __init__(self, project: Project, kind: KeyKind = KeyKind.SECRET) -> None:
        _, key = issue_key(project.pk, kind, name="CRM")
        self.headers = {"Authorization": f"Bearer {key.token}"}
        self.client = Client()

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        answer = self.client.get(f"/api/{path}", query, headers=self.headers)
        return answer.status_code, answer.json()

    def post(self, path: str, body: object) -> tuple[int, Any]:
        answer = self.client.post(f"/api/{path}", body, content_type="application/json", headers=self.headers)
        return answer.status_code, answer.json()
