"""A real browser and a running system, for tests that do what people do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.system.installation import System, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running system and what its first run printed."""

    system: System
    url: str
    username: str
    password: str
    write_key: str
    secret_key: str
    project_id: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a system that runs for as long as the browser tests do."""
    with running(tmp_path_factory.mktemp("browser") / "home") as system:
        system.wait_until_ready()
        printed = json.loads((system.home / "demo.json").read_text())
        yield Demo(
            system=system,
            url=printed["url"],
            username=printed["username"],
            password=printed["password"],
            write_key=printed["writeKey"],
            secret_key=printed["secretKey"],
            project_id=printed["projectId"],
        )


def _matters(message: ConsoleMessage) -> bool:
    # Browsers ask for /favicon.ico on pages that name no icon, as those of the admin do.
    return message.type == "error" and not message.location["url"].endswith("/favicon.ico")


@pytest.fixture
def page(chromium: Browser, demo: Demo) -> Iterator[Page]:
    """Return a page of a fresh visitor. A page that reports an error to its console fails the test."""
    context = chromium.new_context(base_url=demo.url)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _matters(message) else None)
    yield page
    context.close()
    assert errors == []
