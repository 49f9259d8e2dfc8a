"""A real browser on the pages. Scoring happens when a test says so, so that what is pending can be looked at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from ingest.models import Project, User
from tests.dashboard.build import PASSWORD, make_project, make_user


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def member(transactional_db: None) -> User:
    return make_user("dana")


@pytest.fixture
def project(member: User) -> Project:
    return make_project(member)


@pytest.fixture
def troubled_page(context: BrowserContext, project: Project) -> Page:
    """A member's browser, logged in."""
    page = context.new_page()
    log_in(page)
    return page


@pytest.fixture
def page(context: BrowserContext, project: Project) -> Iterator[Page]:
    """The same. The test fails if a page complains on the console or a script breaks."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page)
    yield page
    assert complaints == []


def log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/p/**")
