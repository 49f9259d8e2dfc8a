"""The admin, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo

pytestmark = pytest.mark.browser


def test_the_printed_log_in_opens_the_admin(page: Page, demo: Demo) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(demo.username)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()


def test_the_admin_is_styled(page: Page) -> None:
    page.goto("/admin/login/")
    expect(page.get_by_role("button", name="Log in")).to_have_css("cursor", "pointer")
