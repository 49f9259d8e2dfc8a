"""What the SDK records by itself, and what it never does."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.sdk.conftest import snippet
from tests.sdk.site import Site, StandIn
from tests.system.installation import eventually

pytestmark = pytest.mark.browser


def wait_for(stand_in: StandIn, *names: str) -> list[dict[str, Any]]:
    """Wait until these are the names of the events, in event order, and return the events."""
    eventually(
        f"{names}, not {[event['event'] for event in stand_in.stored]}",
        lambda: [event["event"] for event in stand_in.stored] == list(names),
        seconds=10,
    )
    return stand_in.stored


def test_a_single_page_app_is_seen_moving_with_titles_and_referrers(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/home", snippet(stand_in.url)))

    page.evaluate("history.pushState({}, '', '/pricing?tab=2'); document.title = 'Pricing'")
    page.wait_for_timeout(50)
    page.evaluate("history.replaceState({}, '', '/pricing?tab=3')")
    page.evaluate("history.pushState({}, '', '/contact'); document.title = 'Contact'")
    page.wait_for_timeout(50)
    page.go_back()

    events = wait_for(stand_in, *["page_view"] * 4)
    assert [event["properties"]["path"] for event in events] == ["/home", "/pricing", "/contact", "/pricing"]
    assert [event["properties"]["title"] for event in events[:3]] == ["Page /home", "Pricing", "Contact"]
    assert events[2]["properties"]["referrer"] == f"{site.url}/pricing"


def test_hashes_are_pages_where_the_site_says_so(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/app", snippet(stand_in.url, hash="true")) + "#/start")

    page.evaluate("location.hash = '#/pricing?email=a@b.c'")

    _, moved = wait_for(stand_in, "page_view", "page_view")
    assert moved["properties"]["path"] == "/app#/pricing"
    assert "a@b.c" not in json.dumps(stand_in.requests)


def test_hashes_are_no_pages_elsewhere(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/app", snippet(stand_in.url)))

    page.evaluate("location.hash = '#section'")
    page.evaluate("leadscore.track('after')")

    wait_for(stand_in, "page_view", "after")


def test_marked_elements_are_recorded_with_their_properties(page: Page, site: Site, stand_in: StandIn) -> None:
    body = """
      <button data-ls-event="Demo clicked" data-ls-plan="team" data-ls-plan-size="10" data-x="y"><b>Demo</b></button>
      <button id="quiet" data-ls-ignore data-ls-event="nothing">Quiet</button>
      <script>document.querySelector("b").onclick = (event) => event.stopImmediatePropagation()</script>
    """
    page.goto(site.add("/", snippet(stand_in.url), body))

    page.locator("#quiet").click()
    page.locator("b").click()

    _, click = wait_for(stand_in, "page_view", "demo_clicked")
    assert click["properties"] == {"plan": "team", "planSize": "10"}


def test_links_that_lead_away_are_recorded_also_when_the_page_goes(page: Page, site: Site, stand_in: StandIn) -> None:
    body = '<a id="in" href="#top">in</a> <a id="out" href="http://localhost:9/deep?token=1">out</a>'
    page.goto(site.add("/", snippet(stand_in.url), body))
    page.route("http://localhost:9/**", lambda route: route.fulfill(body="elsewhere", content_type="text/html"))

    page.locator("#in").click()
    page.locator("#out").click()

    _, click = wait_for(stand_in, "page_view", "outbound_click")
    assert click["properties"] == {"url": "http://localhost:9/deep", "host": "localhost:9"}


def test_of_a_form_only_names_leave_the_page(page: Page, site: Site, stand_in: StandIn) -> None:
    body = """
      <form id="contact" method="get" action="/thanks">
        <input name="email"><input name="id" value="x"><textarea name="message"></textarea><select name="size">
        <option>large-secret</option></select><input type="password" name="password" autocomplete="off">
        <input type="hidden" name="csrf" value="hidden-secret">
        <input value="nameless-secret"><button name="go" value="button-secret">Send</button>
      </form>
    """
    site.add("/thanks", snippet(stand_in.url), "Thanks")
    page.goto(site.add("/contact", snippet(stand_in.url), body))

    page.locator("[name=email]").fill("secret@example.com")
    page.locator("[name=message]").fill("message-secret")
    page.locator("[name=password]").fill("password-secret")
    page.locator("button").click()

    _, form, thanks = wait_for(stand_in, "page_view", "form_submit", "page_view")
    assert form["properties"] == {"form": "contact", "fields": ["email", "id", "message", "size", "password"]}
    assert thanks["properties"]["path"] == "/thanks"
    assert "secret" in page.url
    assert "secret" not in json.dumps(stand_in.requests)


def test_a_form_may_have_an_event_of_its_own(page: Page, site: Site, stand_in: StandIn) -> None:
    body = """<form data-ls-event="Newsletter joined" data-ls-list="weekly" onsubmit="return false">
      <input name="email"><button>Join</button></form>"""
    page.goto(site.add("/", snippet(stand_in.url), body))

    page.locator("button").click()

    _, form = wait_for(stand_in, "page_view", "newsletter_joined")
    assert form["properties"] == {"fields": ["email"], "form": None, "list": "weekly"}


def test_nothing_is_recorded_by_itself_where_the_site_says_so(page: Page, site: Site, stand_in: StandIn) -> None:
    button = "<button type='button' data-ls-event='x'>x</button>"
    page.goto(site.add("/", snippet(stand_in.url, auto="false"), button))

    page.locator("button").click()
    page.evaluate("leadscore.page('Home', {section: 'a'})")

    (view,) = wait_for(stand_in, "page_view")
    assert (view["properties"]["name"], view["properties"]["section"]) == ("Home", "a")


def test_where_the_visitor_came_from_goes_with_every_event_of_the_session(
    page: Page, site: Site, stand_in: StandIn
) -> None:
    site.add("/", snippet(stand_in.url))
    campaign = "?utm_source=google&utm_medium=cpc&utm_campaign=Spring%20sale&utm_term=crm&utm_content=b&gclid=abc123"
    page.goto(f"{site.url}/{campaign}", referer="https://www.google.com/search?q=x")
    page.goto(site.add("/later", snippet(stand_in.url)))
    page.evaluate("leadscore.track('signup')")

    landed, _, later = wait_for(stand_in, "page_view", "page_view", "signup")
    expected = {
        "source": "google",
        "medium": "cpc",
        "name": "Spring sale",
        "term": "crm",
        "content": "b",
        "gclid": True,
    }
    assert landed["context"]["campaign"].items() >= expected.items()
    assert later["context"]["campaign"] == landed["context"]["campaign"]
    assert later["context"]["firstTouch"]["referrer"].startswith("https://www.google.com/")
    assert later["context"]["session"] == landed["context"]["session"]
    assert later["context"]["session"]["landing"] == "/"
    assert later["context"]["page"]["path"] == "/later"
    assert "abc123" not in json.dumps(stand_in.requests)


def test_half_an_hour_without_an_event_ends_the_session_but_not_what_came_first(
    page: Page, site: Site, stand_in: StandIn
) -> None:
    page.clock.install()
    page.goto(site.add("/", snippet(stand_in.url)) + "?utm_source=news")
    page.clock.run_for(1000)
    eventually("the first view", lambda: len(stand_in.stored) == 1)
    page.clock.run_for(29 * 60_000)
    page.evaluate("leadscore.track('same')")
    page.clock.run_for(31 * 60_000)
    page.evaluate("leadscore.track('next')")
    page.clock.run_for(1000)

    first, same, after = wait_for(stand_in, "page_view", "same", "next")
    assert first["sessionId"] == same["sessionId"] != after["sessionId"]
    assert "campaign" not in after["context"]
    assert after["context"]["firstTouch"]["source"] == "news"
    assert after["context"]["lastTouch"]["source"] == "news"


def test_the_last_touch_changes_and_the_first_stays(page: Page, site: Site, stand_in: StandIn) -> None:
    address = site.add("/", snippet(stand_in.url))
    page.goto(f"{address}?utm_source=news")
    page.goto(f"{address}?utm_source=ads&fbclid=1")

    _, later = wait_for(stand_in, "page_view", "page_view")
    assert later["context"]["firstTouch"]["source"] == "news"
    assert later["context"]["lastTouch"]["source"] == "ads"
    assert later["context"]["campaign"] == {"source": "ads", "fbclid": True}


def test_a_page_that_comes_back_from_the_cache_of_pages_is_still_alive(
    page: Page, site: Site, stand_in: StandIn
) -> None:
    site.add("/two", "", "two")
    page.goto(site.add("/one", snippet(stand_in.url)))
    page.goto(f"{site.url}/two")
    page.go_back()
    page.evaluate("leadscore.track('back')")

    eventually("the event", lambda: len(stand_in.named("back")) == 1)
