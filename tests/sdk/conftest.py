"""A real browser on somebody's website, which sends to a LeadScore on another origin."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.sdk.site import Site, StandIn
from tests.system.installation import ROOT, System, eventually, running, surroundings

KEY = "pk_0123456789abcdef0123456789abcdef"


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A visitor's tab. The test fails if the SDK let an error out, or wrote to the console."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_ours(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


def is_ours(message: ConsoleMessage) -> bool:
    """Return whether a script wrote it: what the browser notes of failed requests and of markup is its own affair."""
    return message.type != "debug" and "Failed to load resource" not in message.text


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


def snippet(host: str, key: str = KEY, **options: str) -> str:
    """Return the script tag as the integrations page gives it, with more `data-` options."""
    more = "".join(f' data-{name}="{value}"' for name, value in options.items())
    return f'<script src="{host}/sdk/leadscore.js" data-key="{key}"{more} defer></script>'


class Log:
    """The event log of a running system since the test began, as its API shows it to a server-side program."""

    def __init__(self, system: System) -> None:
        demo = json.loads((system.home / "demo.json").read_text())
        self.url, self.key = demo["url"], demo["writeKey"]
        self._headers = {"Authorization": f"Bearer {demo['secretKey']}"}
        self._before = {event["eventId"] for event in self._all()}

    def events(self) -> list[dict[str, Any]]:
        """Return the events in event order."""
        found = [event for event in self._all() if event["eventId"] not in self._before]
        return sorted(found, key=lambda event: (datetime.fromisoformat(event["occurredAt"]), event["eventId"]))

    def types(self) -> list[str]:
        return [event["eventType"] for event in self.events()]

    def wait_for(self, *types: str, seconds: float = 30) -> list[dict[str, Any]]:
        """Wait until these are the types of the events, in event order, and return the events."""
        eventually(f"{types} in the log", lambda: self.types() == list(types), seconds=seconds)
        return self.events()

    def wait_for_calls(self, *types: str) -> None:
        """Wait until these are the types of the events, in the order of the calls, which the SDK's ids tell.

        Event order is that only within a page: each page has its own correction of the visitor's clock.
        """
        eventually(f"{types} in the log", lambda: self.calls() == list(types))

    def calls(self) -> list[str]:
        return [event["eventType"] for event in sorted(self.events(), key=lambda event: event["eventId"])]

    def lead(self, lead_id: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/leads/{lead_id}", headers=self._headers, timeout=30, trust_env=False)
        lead: dict[str, Any] = answer.json()
        return lead

    def _all(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        address = f"{self.url}/api/events?limit=200"
        while address:
            answer = httpx.get(address, headers=self._headers, timeout=30, trust_env=False)
            assert answer.status_code == 200, answer.text
            found += answer.json()["results"]
            address = answer.json()["next"]
        return found


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running LeadScore whose write key has no limit: a test sends in a second what a visitor does in an hour."""
    with running(tmp_path_factory.mktemp("sdk") / "home") as system:
        system.wait_until_ready()
        lift_limit(system)
        yield system


def lift_limit(system: System) -> None:
    subprocess.run(
        [
            sys.executable,
            "manage.py",
            "shell",
            "-c",
            "from ingest.models import ApiKey; ApiKey.objects.update(events_per_minute=None)",
        ],
        cwd=ROOT,
        env=surroundings(system.home, system.port),
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture
def log(system: System) -> Log:
    return Log(system)
