"""A client of a running system, with the demo project's keys."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.system.installation import System, eventually


class Client:
    """Sends events and reads leads as a server-side program would."""

    def __init__(self, system: System) -> None:
        demo = json.loads(Path(system.home / "demo.json").read_text())
        self._http = httpx.Client(
            base_url=demo["url"],
            headers={"Authorization": f"Bearer {demo['secretKey']}"},
            timeout=30,
            trust_env=False,
        )

    def send(self, event_type: str, user: str, **more: Any) -> dict[str, Any]:
        """Send one event and return the answer, which must be a 202."""
        answer = self._http.post("/api/events", json={"eventType": event_type, "userId": user, **more})
        assert answer.status_code == 202, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def get(self, path: str) -> dict[str, Any]:
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def wait_for_score(self, lead_id: str, score: float, *, seconds: float = 30) -> dict[str, Any]:
        """Wait until a lead has this score, and return the lead."""
        eventually(
            f"lead {lead_id} has {score} points",
            lambda: self.get(f"/api/leads/{lead_id}")["currentScore"] == score,
            seconds=seconds,
        )
        return self.get(f"/api/leads/{lead_id}")
