"""The published clients for web pages, in a real browser on another origin, against a running system."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.sdk.site import Site
from tests.segment.clients import PublishedClient
from tests.system.client import Client
from tests.system.installation import System, eventually, running

pytestmark = pytest.mark.browser

SEGMENT = """async ([key, host]) => {
  const client = AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnURL: host });
  await client.identify("segment", { email: "segment@example.com" });
  await client.page("Docs", "Pricing");
  await client.track("Demo Request", { plan: "team" });
}"""
RUDDERSTACK = """async ([key, host]) => {
  const client = new rudderanalytics.RudderAnalytics();
  client.load(key, host, { configUrl: host });
  await new Promise((ready) => client.ready(ready));
  client.identify("rudderstack", { email: "rudderstack@example.com" });
  client.page("Docs", "Pricing");
  client.track("Demo Request", { plan: "team" });
}"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("segment") / "home") as system:
        system.wait_until_ready()
        yield system


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    site = Site()
    page = context.new_page()
    page.goto(site.add("/", ""))
    yield page
    context.close()
    site.close()


@pytest.mark.parametrize(
    ("package", "script", "program", "user"),
    [
        ("@segment/analytics-next@1.84.3", "@segment/analytics-next/dist/umd/index.js", SEGMENT, "segment"),
        (
            "@rudderstack/analytics-js@3.34.1",
            "@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js",
            RUDDERSTACK,
            "rudderstack",
        ),
    ],
)
def test_a_published_browser_client_works_with_nothing_but_our_address(
    system: System, page: Page, tmp_path: Path, package: str, script: str, program: str, user: str
) -> None:
    PublishedClient(package=package, program="", runtime="node").installed_in(tmp_path / "client")
    key = json.loads((system.home / "demo.json").read_text())["writeKey"]
    client = Client(system)

    page.add_script_tag(path=tmp_path / "client" / "node_modules" / script)
    page.evaluate(program, [key, system.url])

    def stored() -> list[dict[str, Any]]:
        leads = client.get(f"/api/leads?q={user}@example.com")["results"]
        return client.get(f"/api/events?lead={leads[0]['id']}")["results"] if leads else []

    eventually("all that the page said is stored", lambda: len(stored()) == 3)
    by_type = {event["eventType"]: event for event in stored()}
    assert by_type.keys() == {"identify", "page_view", "demo_request"}
    assert by_type["demo_request"]["properties"] == {"plan": "team"}
    assert by_type["page_view"]["properties"].items() >= {"name": "Pricing", "category": "Docs", "path": "/"}.items()
