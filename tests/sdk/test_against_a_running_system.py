"""The SDK, a website on another origin and a running system: what a visitor does ends up in the event log, once."""

import pytest
from playwright.sync_api import Page

from tests.sdk.conftest import Log, snippet
from tests.sdk.site import Site

pytestmark = pytest.mark.browser


def test_a_visit_and_a_call_reach_the_log_of_another_origin(page: Page, site: Site, log: Log) -> None:
    page.goto(site.add("/pricing", snippet(log.url, log.key)) + "?utm_source=news&secret=1")

    page.evaluate("leadscore.track('Pricing Viewed', {plan: 'team'})")

    view, call = log.wait_for("page_view", "pricing_viewed")
    assert view["properties"] == {
        "path": "/pricing",
        "url": f"{site.url}/pricing",
        "title": "Page /pricing",
        "referrer": "",
    }
    assert call["properties"] == {"plan": "team"}
    assert (view["leadId"], view["sessionId"]) == (call["leadId"], call["sessionId"])
