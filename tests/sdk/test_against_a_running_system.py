"""The SDK, a website on another origin and a running system: what a visitor does ends up in the event log, once."""

import signal

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.sdk.conftest import Log, lift_limit, snippet
from tests.sdk.site import Site
from tests.sdk.test_delivery import queue_of
from tests.system.installation import System, eventually, running

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


def test_two_hundred_calls_at_once_are_in_the_log_in_their_order(page: Page, site: Site, log: Log) -> None:
    page.goto(site.add("/", snippet(log.url, log.key, auto="false")))

    page.evaluate("for (let i = 0; i < 200; i++) leadscore.track('call', {i})")

    # Four requests: none may wait for the 64 KB that a browser lets be under way, as it does after answers unread.
    events = log.wait_for(*["call"] * 200, seconds=10)
    assert [event["properties"]["i"] for event in events] == list(range(200))


def test_calls_over_several_requests_keep_their_order_too(page: Page, site: Site, log: Log) -> None:
    page.goto(site.add("/", snippet(log.url, log.key, auto="false")))

    page.evaluate(
        """new Promise((done) => {
             let i = 0;
             const timer = setInterval(() => {
               leadscore.track('call', {i});
               if (++i === 150) { clearInterval(timer); done(); }
             }, 5);
           })"""
    )

    events = log.wait_for(*["call"] * 150)
    assert [event["properties"]["i"] for event in events] == list(range(150))


def test_a_wrong_clock_of_the_visitor_is_set_right(page: Page, site: Site, log: Log) -> None:
    page.clock.install(time="2020-01-01")
    page.goto(site.add("/", snippet(log.url, log.key, auto="false")))
    for i in range(3):
        page.evaluate(f"leadscore.track('call', {{i: {i}}})")
        page.clock.run_for(1000)
        page.wait_for_timeout(300)

    events = log.wait_for(*["call"] * 3)
    assert [event["properties"]["i"] for event in events] == [0, 1, 2]
    assert all(event["occurredAt"][:16] >= event["receivedAt"][:15] for event in events)


def test_whoever_is_identified_keeps_what_they_did_before(page: Page, site: Site, log: Log) -> None:
    page.goto(site.add("/", snippet(log.url, log.key)))
    page.evaluate("leadscore.track('before'); leadscore.identify('user-7', {email: 'Ada@example.com', name: 'Ada'})")
    page.goto(f"{site.url}/")

    events = log.wait_for("page_view", "before", "identify", "page_view")
    assert len({event["leadId"] for event in events}) == 1
    lead = log.lead(events[0]["leadId"])
    assert (lead["name"], lead["email"].lower()) == ("Ada", "ada@example.com")


def test_whatever_the_page_hands_over_the_batch_is_stored(page: Page, site: Site, log: Log) -> None:
    page.goto(site.add("/", snippet(log.url, log.key, auto="false")))

    page.evaluate(
        """leadscore.track('deep', {a: {b: {c: {d: 1}}}});
           leadscore.track('large', {text: '😀'.repeat(20000), cut: '\\ud83d', n: 1e300});
           leadscore.track('¡¿', document.body);
           leadscore.identify('x'.repeat(1000), {email: 'y'.repeat(400) + '@example.com'});"""
    )

    log.wait_for("deep", "large", "unnamed", "identify")


def test_a_tab_that_closes_and_pages_that_reload_lose_and_double_nothing(
    page: Page, context: BrowserContext, site: Site, log: Log
) -> None:
    address = site.add("/", snippet(log.url, log.key, auto="false"))
    page.goto(address)
    for i in range(10):
        page.evaluate(f"leadscore.track('call_{i}')")
        page.reload()
    page.evaluate("leadscore.track('last')")
    later = context.new_page()
    page.close(run_before_unload=True)

    calls = [*(f"call_{i}" for i in range(10)), "last"]
    log.wait_for_calls(*calls)

    # Nobody heard whether the beacons arrived: the next page sends all that again.
    later.clock.install(time="2100-01-01")
    with later.expect_request("**/api/events/batch"):
        later.goto(address)
        later.clock.run_for(1000)
    eventually("an empty queue", lambda: queue_of(later) == [])
    assert log.calls() == calls


def test_two_tabs_at_once_lose_and_double_nothing(page: Page, context: BrowserContext, site: Site, log: Log) -> None:
    address = site.add("/", snippet(log.url, log.key, auto="false"))
    other = context.new_page()
    for tab in (page, other):
        tab.goto(address)
        tab.evaluate("{ let i = 0; setInterval(() => i < 60 && leadscore.track('call', {i: i++}), 10) }")

    events = log.wait_for(*["call"] * 120)
    assert sorted(event["properties"]["i"] for event in events) == sorted([*range(60), *range(60)])
    assert len({event["leadId"] for event in events}) == 1


def test_a_visitor_without_network_is_heard_when_it_is_back(
    page: Page, context: BrowserContext, site: Site, log: Log
) -> None:
    page.goto(site.add("/", snippet(log.url, log.key, auto="false")))
    context.set_offline(True)
    page.evaluate("for (let i = 0; i < 5; i++) leadscore.track('call', {i})")
    page.wait_for_timeout(2000)

    context.set_offline(False)

    events = log.wait_for(*["call"] * 5)
    assert [event["properties"]["i"] for event in events] == list(range(5))


def test_a_server_killed_and_started_again_has_everything_once(
    page: Page, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("killed") / "home"
    with running(home) as system:
        system.wait_until_ready()
        lift_limit(system)
        log = Log(system)
        page.goto(site.add("/", snippet(log.url, log.key, auto="false")))
        page.evaluate(
            "{ window.i = 0; setInterval(() => window.i < 60 && leadscore.track('call', {i: window.i++}), 50) }"
        )
        eventually("some events", lambda: len(log.types()) > 5)
        system.end(signal.SIGTERM)
        page.wait_for_function("window.i === 60")
    with running(home, port=system.port) as system:
        system.wait_until_ready()

        events = log.wait_for(*["call"] * 60, seconds=90)
        assert [event["properties"]["i"] for event in events] == list(range(60))


def test_the_script_is_the_static_file_too(system: System) -> None:
    served = httpx.get(f"{system.url}/sdk/leadscore.js", trust_env=False)
    static = httpx.get(f"{system.url}/static/sdk/leadscore.js", trust_env=False)

    assert served.text == static.text
    assert served.headers["Content-Type"].startswith("text/javascript")
