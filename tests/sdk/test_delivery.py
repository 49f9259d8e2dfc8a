"""Nothing is lost and nothing is sent for good twice, whatever the server, the network and the visitor do."""

import itertools

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.sdk.conftest import snippet
from tests.sdk.site import Answer, Site, StandIn
from tests.sdk.test_capture import wait_for
from tests.system.installation import eventually

pytestmark = pytest.mark.browser

BLOCKED = """
for (const name of ["getItem", "setItem", "removeItem", "key"]) {
  Storage.prototype[name] = () => { throw new DOMException("blocked", "SecurityError"); };
}
"""
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('x', 'SecurityError'); }});"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"


def queue_of(page: Page) -> list[str]:
    found: list[str] = page.evaluate("Object.keys(localStorage).filter((name) => name.includes('.q.'))")
    return found


def test_what_is_delivered_leaves_the_queue(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url)))

    wait_for(stand_in, "page_view")
    eventually("an empty queue", lambda: queue_of(page) == [])
    assert len(stand_in.requests) == 1


def test_after_errors_it_tries_again_ever_less_often(page: Page, site: Site, stand_in: StandIn) -> None:
    stand_in.answers = [Answer(500), Answer(503), Answer(502)]
    page.goto(site.add("/", snippet(stand_in.url)))

    wait_for(stand_in, "page_view")
    times = [request["at"] for request in stand_in.requests]
    first, second, third = (later - earlier for earlier, later in itertools.pairwise(times))
    # Half of it is chance, so that many visitors do not come back at once.
    assert (first >= 0.5, second >= 1, third >= 2) == (True, True, True)
    assert third < 6


def test_a_page_that_hears_too_many_requests_waits_as_long_as_it_is_told(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    stand_in.answers = [Answer(429, {"Retry-After": "3"})]
    page.goto(site.add("/", snippet(stand_in.url)))
    eventually("a first try", lambda: len(stand_in.requests) == 1)

    page.wait_for_timeout(500)
    page.reload()
    other = context.new_page()
    other.goto(f"{site.url}/")
    other.wait_for_timeout(1500)
    assert len(stand_in.requests) == 1

    wait_for(stand_in, "page_view", "page_view", "page_view")


def test_a_limit_below_the_size_of_a_batch_is_met_with_smaller_ones(page: Page, site: Site, stand_in: StandIn) -> None:
    stand_in.answers = [Answer(429), Answer(429)]
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))

    page.evaluate("for (let i = 0; i < 40; i++) leadscore.track('call')")

    wait_for(stand_in, *["call"] * 40)
    assert [len(request["events"]) for request in stand_in.requests] == [40, 25, 13, 27]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_is_refused_for_good_is_dropped_silently(page: Page, site: Site, stand_in: StandIn, status: int) -> None:
    stand_in.always = Answer(status)
    page.goto(site.add("/", snippet(stand_in.url)))

    eventually("a try", lambda: len(stand_in.requests) == 1)
    eventually("an empty queue", lambda: queue_of(page) == [])
    page.wait_for_timeout(1500)
    assert len(stand_in.requests) == 1


def test_in_debug_mode_a_refusal_is_told(context: BrowserContext, site: Site, stand_in: StandIn) -> None:
    stand_in.always = Answer(401)
    page = context.new_page()
    with page.expect_console_message(lambda message: "refused 401" in message.text):
        page.goto(site.add("/", snippet(stand_in.url, debug="true")))


@pytest.mark.parametrize("trouble", [BLOCKED, NO_STORAGE, FULL], ids=["blocked", "none", "full"])
def test_without_storage_it_remembers_while_the_page_lives(
    page: Page, site: Site, stand_in: StandIn, trouble: str
) -> None:
    stand_in.answers = [Answer(500)]
    page.add_init_script(trouble)
    page.goto(site.add("/", snippet(stand_in.url)))
    page.evaluate("leadscore.identify('7'); leadscore.track('call')")

    view, _, call = wait_for(stand_in, "page_view", "identify", "call")
    assert (call["userId"], call["anonymousId"]) == ("7", view["anonymousId"])


def test_without_storage_the_end_of_the_page_still_sends(page: Page, site: Site, stand_in: StandIn) -> None:
    page.add_init_script(BLOCKED)
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate("leadscore.track('last')")
    page.close()

    wait_for(stand_in, "last")


def test_closing_the_tab_right_after_a_call_sends_it(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    context.new_page()
    page.goto(site.add("/", snippet(stand_in.url)))
    page.evaluate("leadscore.track('last')")
    page.close(run_before_unload=True)

    wait_for(stand_in, "page_view", "last")


def test_going_elsewhere_while_a_request_hangs_loses_nothing(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    stand_in.answers = [Answer(0, hang=True)]
    address = site.add("/", snippet(stand_in.url))
    page.goto(address)
    eventually("a request that hangs", lambda: len(stand_in.requests) == 1)
    page.evaluate("leadscore.track('then')")
    page.goto("about:blank")
    page.clock.install(time="2100-01-01")  # long after anything could still be on its way
    page.goto(address)
    page.clock.run_for(1000)

    eventually("all", lambda: {event["event"] for event in stand_in.stored} == {"page_view", "then"})
    eventually("both views", lambda: len(stand_in.named("page_view")) == 2)


def test_the_reload_of_a_page_in_mid_flight_loses_and_doubles_nothing(
    page: Page, site: Site, stand_in: StandIn
) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    for i in range(8):
        page.evaluate(f"leadscore.track('call_{i}')")
        page.reload()

    eventually("all", lambda: [event["event"] for event in stand_in.stored] == [f"call_{i}" for i in range(8)])


def test_two_tabs_share_the_queue_and_the_visitor(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    stand_in.always = Answer(503)
    address = site.add("/", snippet(stand_in.url, auto="false"))
    page.goto(address)
    page.evaluate("for (let i = 0; i < 30; i++) leadscore.track('one')")
    other = context.new_page()
    other.goto(address)
    other.evaluate("for (let i = 0; i < 30; i++) leadscore.track('two')")
    eventually("tries", lambda: len(stand_in.requests) >= 2)
    page.close()

    stand_in.always = Answer()

    eventually("all", lambda: len(stand_in.stored) == 60, seconds=40)
    assert len({event["anonymousId"] for event in stand_in.stored}) == 1
    eventually("an empty queue", lambda: queue_of(other) == [])


def test_one_event_is_not_sent_by_two_tabs_at_once(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    stand_in.answers = [Answer(0, hang=True)]
    address = site.add("/", snippet(stand_in.url, auto="false"))
    page.goto(address)
    page.evaluate("leadscore.track('slow')")
    eventually("a request that hangs", lambda: len(stand_in.requests) == 1)

    other = context.new_page()
    other.goto(address)
    other.evaluate("leadscore.track('quick')")

    wait_for(stand_in, "quick")
    assert [len(request["events"]) for request in stand_in.requests] == [1, 1]


def test_the_queue_is_bounded_and_keeps_the_newest(page: Page, site: Site, stand_in: StandIn) -> None:
    stand_in.always = Answer(503)
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))

    page.evaluate("for (let i = 0; i < 450; i++) leadscore.track('n' + i)")

    assert len(queue_of(page)) == 400
    stand_in.always = Answer()
    eventually("the newest", lambda: len(stand_in.stored) == 400)
    assert stand_in.stored[-1]["event"] == "n449"


def test_of_big_events_only_as_many_go_at_once_as_may_outlive_the_page(
    page: Page, site: Site, stand_in: StandIn
) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))

    page.evaluate("for (let i = 0; i < 40; i++) leadscore.track('big', {a: 'x'.repeat(900), b: 'é'.repeat(900)})")

    eventually("all", lambda: len(stand_in.stored) == 40)
    assert max(int(request["headers"]["Content-Length"]) for request in stand_in.requests) < 64 * 1024


def test_somebody_elses_entries_in_the_storage_do_no_harm(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate("leadscore.track('one')")
    page.evaluate(
        "for (const name of Object.keys(localStorage)) if (name.includes('.q.'))"
        "localStorage[name.slice(0, -40) + '0'] = 'rubbish'"
    )

    wait_for(stand_in, "one")


def test_offline_and_back(page: Page, context: BrowserContext, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    context.set_offline(True)
    page.evaluate("leadscore.track('under_way')")
    page.wait_for_timeout(2500)
    assert stand_in.requests == []

    context.set_offline(False)

    wait_for(stand_in, "under_way")
