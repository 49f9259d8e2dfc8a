"""“Which rules predict?”, in a browser, through the real worker."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Demo
from tests.system.installation import eventually

pytestmark = pytest.mark.browser

OUTCOME = "renewal"


def send(demo: Demo, *, leads: int) -> None:
    """Make leads of whom all with a demo request renew, and one in five of the others."""
    events = []
    for number in range(leads):
        steps = ["webinar_attendance"] if number % 2 else ["demo_request"]
        steps += [OUTCOME] if number % 2 == 0 or number % 5 == 0 else []
        events += [
            {
                "eventId": f"prediction-{number}-{step}",
                "eventType": step,
                "email": f"prediction{number}@example.com",
                "timestamp": f"2026-01-0{place + 1}T10:00:00Z",
            }
            for place, step in enumerate(steps)
        ]
    answer = httpx.post(
        f"{demo.url}/api/events/batch",
        json={"events": events},
        headers={"Authorization": f"Bearer {demo.secret_key}"},
        timeout=60,
    )
    assert answer.status_code == 202
    assert answer.json()["rejected"] == []
    eventually("the events are scored", lambda: "leadscore_events_pending 0.0" in demo.system.get("/metrics").text)


def log_in(page: Page, demo: Demo) -> None:
    page.goto("/login")
    page.get_by_label("Username").fill(demo.username)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_report_is_asked_for_made_and_read(page: Page, demo: Demo) -> None:
    send(demo, leads=240)
    log_in(page, demo)
    page.get_by_role("link", name="Prediction", exact=True).click()
    page.get_by_label("Outcome").fill(OUTCOME)
    page.get_by_role("button", name="Find out").click()

    row = page.get_by_role("row", name="Demo request")
    expect(row).to_contain_text("predicts it", timeout=60_000)
    expect(page.get_by_role("row", name="Webinar attended")).to_contain_text("speaks against it")
    expect(page.get_by_role("img", name="ROC curve")).to_be_visible()

    page.get_by_text("As a table").click()
    expect(page.get_by_role("columnheader", name="Converted")).to_be_visible()


def test_the_page_is_reached_and_read_on_a_phone(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    log_in(page, demo)
    page.get_by_label("Account").click()
    page.get_by_role("link", name="Which rules predict?").click()

    expect(page.get_by_role("heading", name="Which rules predict?")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
