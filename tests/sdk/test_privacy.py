"""Nothing is stored and nothing is sent against the visitor's will."""

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.sdk.conftest import snippet
from tests.sdk.site import Site, StandIn
from tests.sdk.test_capture import wait_for

pytestmark = pytest.mark.browser

ENOUGH = 1500  # milliseconds, several times what a first request takes


def stored(page: Page) -> list[str]:
    found: list[str] = page.evaluate("Object.keys(localStorage).map((name) => name + '=' + localStorage[name])")
    return found


def test_before_consent_nothing_is_stored_or_sent(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    page.goto(site.add("/", snippet(stand_in.url, consent="required")))
    page.evaluate("leadscore.track('call'); leadscore.identify('7')")
    page.wait_for_timeout(ENOUGH)
    page.goto(f"{site.url}/")
    page.wait_for_timeout(200)

    assert stand_in.requests == []
    assert stored(page) == []
    assert context.cookies() == []


def test_consent_lets_go_what_this_page_held(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, consent="required")) + "?utm_source=news")
    page.evaluate("leadscore.track('before')")

    page.evaluate("leadscore.optIn(); leadscore.track('after')")

    view, _, _ = wait_for(stand_in, "page_view", "before", "after")
    assert view["context"]["campaign"] == {"source": "news"}


def test_consent_is_remembered_and_can_be_taken_back(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, consent="required", auto="false")))
    page.evaluate("leadscore.optIn()")
    page.reload()
    page.evaluate("leadscore.track('one')")
    wait_for(stand_in, "one")

    page.evaluate("leadscore.track('two'); leadscore.optOut(); leadscore.track('three')")
    page.reload()
    page.evaluate("leadscore.track('four')")
    page.wait_for_timeout(ENOUGH)

    assert [event["event"] for event in stand_in.stored] == ["one"]
    assert [line.split(".", 2)[2] for line in stored(page)] == ["consent=no"]


def test_who_opted_out_may_come_back_as_somebody_new(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate("leadscore.track('one')")
    wait_for(stand_in, "one")

    page.evaluate("leadscore.optOut(); leadscore.optIn(); leadscore.track('two')")

    one, two = wait_for(stand_in, "one", "two")
    assert one["anonymousId"] != two["anonymousId"]


def test_opting_out_in_one_tab_silences_the_other(
    page: Page, context: BrowserContext, site: Site, stand_in: StandIn
) -> None:
    address = site.add("/", snippet(stand_in.url, auto="false"))
    page.goto(address)
    other = context.new_page()
    other.goto(address)

    page.evaluate("leadscore.optOut()")
    other.evaluate("leadscore.track('call')")
    other.wait_for_timeout(ENOUGH)

    assert stand_in.requests == []


@pytest.mark.parametrize("options", [{}, {"consent": "required"}])
def test_global_privacy_control_is_honoured_whatever_the_page_says(
    page: Page, site: Site, stand_in: StandIn, options: dict[str, str]
) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(site.add("/", snippet(stand_in.url, **options)))

    page.evaluate("leadscore.optIn(); leadscore.track('call'); leadscore.identify('7')")
    page.wait_for_timeout(ENOUGH)

    assert stand_in.requests == []
    assert stored(page) == []
