"""What a page can call, and that whatever it hands over neither breaks the page nor is refused."""

import json
import re
from typing import Any

import orjson
import pytest
from playwright.sync_api import Page

from ingest.core.events import MAX_PROPERTIES_BYTES, IncomingEvent, parse_event
from tests.sdk.conftest import KEY, snippet
from tests.sdk.site import Site, StandIn
from tests.sdk.test_capture import wait_for
from tests.system.installation import ROOT, eventually

pytestmark = pytest.mark.browser

GUIDE = (ROOT / "docs" / "howto" / "browser.md").read_text()
STUB = next(part for part in re.findall(r"```html\n(.*?)```", GUIDE, re.DOTALL) if "leadscore.q.push" in part)


def sent(page: Page, site: Site, stand_in: StandIn, script: str) -> dict[str, Any]:
    """Run one call on a page that records nothing by itself, and return the event it made."""
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate(script)
    eventually("an event", lambda: len(stand_in.stored) == 1, seconds=10)
    return stand_in.stored[0]


def test_an_event_has_the_native_form(page: Page, site: Site, stand_in: StandIn) -> None:
    sent(page, site, stand_in, "leadscore.track('signup', {plan: 'team'})")

    (request,) = stand_in.requests
    assert (request["method"], request["path"]) == ("POST", "/api/ingest/event")
    assert request["headers"]["Content-Type"].startswith("text/plain")
    body = request["body"]
    assert body["apiKey"] == KEY
    assert {"event", "eventId", "anonymousId", "sessionId", "timestamp", "sentAt", "properties", "context"} < set(body)


def test_several_events_go_in_one_request(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))

    page.evaluate("leadscore.track('one'); leadscore.track('two')")

    wait_for(stand_in, "one", "two")
    (request,) = stand_in.requests
    assert (request["path"], request["body"]["apiKey"]) == ("/api/events/batch", KEY)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Pricing Viewed", "pricing_viewed"),
        ("signup", "signup"),
        ("Signup", "Signup"),
        ("  -- Order: completed! ", "order_completed"),
        ("x" * 80, "x" * 64),
        ("¡¿", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_brought_into_the_form_the_server_takes(
    page: Page, site: Site, stand_in: StandIn, given: str, name: str
) -> None:
    assert sent(page, site, stand_in, f"leadscore.track({given!r})")["event"] == name


@pytest.mark.parametrize(
    "properties",
    [
        "{deep: {deeper: {deepest: 1}}, list: [{a: 1}, [2]]}",
        "{when: new Date(0), big: 10n, huge: 1e300, nan: NaN, f() {}, s: Symbol('x'), u: undefined, n: null}",
        "{page: document.body, window, self: globalThis}",
        "{text: 'x'.repeat(100000), emoji: '😀'.repeat(2000), cut: '\\ud83d', nul: '\\u0000'}",
        "Object.fromEntries(Array.from({length: 5000}, (_, i) => ['field' + i, i]))",
        "{get bad() { throw new Error('no'); }, good: 1}",
        "{toJSON() { throw new Error('no'); }, good: 1}",
        "new Proxy({}, {ownKeys() { throw new Error('no'); }})",
        "(() => { const circle = {good: 1}; circle.circle = circle; return circle; })()",
        "'text'", "7", "null", "['a', 'list']", "new Map([['a', 1]])", "() => 1", "undefined",
        "{list: Array(3000).fill('x')}",
    ],
)  # fmt: skip
def test_whatever_is_handed_over_becomes_an_event_the_server_takes(
    page: Page, site: Site, stand_in: StandIn, properties: str
) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))

    page.evaluate(f"leadscore.track('first', {properties}); leadscore.track('second')")

    eventually("the second", lambda: len(stand_in.named("second")) == 1)
    for event in stand_in.stored:
        assert isinstance(parse(event), IncomingEvent)


def test_of_what_is_too_much_the_small_fields_stay(page: Page, site: Site, stand_in: StandIn) -> None:
    big = "{big: Array(300).fill('0123456789012345678901234567890'), text: 'é'.repeat(3000), plan: 'team', seats: 5}"
    properties = sent(page, site, stand_in, f"leadscore.track('signup', {big})")["properties"]

    assert properties == {"plan": "team", "seats": 5, "text": "é" * 1000}


def test_deeper_values_become_text(page: Page, site: Site, stand_in: StandIn) -> None:
    event = sent(page, site, stand_in, "leadscore.track('order', {items: [{sku: 'a'}], who: {name: {first: 'Ada'}}})")

    assert event["properties"] == {"items": ['{"sku":"a"}'], "who": {"name": '{"first":"Ada"}'}}


def test_the_arguments_are_those_of_the_call(page: Page, site: Site, stand_in: StandIn) -> None:
    event = sent(page, site, stand_in, "{ const p = {plan: 'a'}; leadscore.track('x', p); p.plan = 'b' }")

    assert event["properties"] == {"plan": "a"}


def test_identify_names_the_visitor_from_then_on(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate(
        "leadscore.track('before'); leadscore.identify(42, {email: 'ada@example.com', company: 'Engines'});"
        "leadscore.track('after')"
    )

    before, identify, after = wait_for(stand_in, "before", "identify", "after")
    assert "userId" not in before
    assert (identify["userId"], identify["email"]) == ("42", "ada@example.com")
    assert identify["traits"] == {"email": "ada@example.com", "company": "Engines"}
    assert (after["userId"], after["anonymousId"]) == ("42", before["anonymousId"])


def test_traits_alone_identify_too_and_keep_the_user(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate(
        "leadscore.identify('42'); leadscore.identify({email: 'no address', plan: 'x'}); leadscore.identify()"
    )

    _, traits, nothing = wait_for(stand_in, "identify", "identify", "identify")
    assert (traits["userId"], traits["traits"]) == ("42", {"email": "no address", "plan": "x"})
    assert "email" not in traits
    assert nothing["traits"] == {}


def test_another_user_at_the_same_browser_is_another_visitor(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate("leadscore.identify('1'); leadscore.identify('1'); leadscore.identify('2')")

    one, again, two = wait_for(stand_in, "identify", "identify", "identify")
    assert one["anonymousId"] == again["anonymousId"] != two["anonymousId"]
    assert one["sessionId"] != two["sessionId"]


def test_reset_forgets_who_it_was(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url, auto="false")))
    page.evaluate("leadscore.identify('1'); leadscore.reset(); leadscore.track('after')")

    before, after = wait_for(stand_in, "identify", "after")
    assert "userId" not in after
    assert before["anonymousId"] != after["anonymousId"]


def test_group_tells_the_company_without_changing_the_person(page: Page, site: Site, stand_in: StandIn) -> None:
    event = sent(page, site, stand_in, "leadscore.group('acme', {name: 'Acme', seats: 5})")

    assert event["properties"] == {"groupId": "acme", "name": "Acme", "seats": 5}
    assert "traits" not in event


def test_calls_before_the_script_is_there_are_kept_with_their_times(page: Page, site: Site, stand_in: StandIn) -> None:
    body = "<script>leadscore.identify('7'); leadscore.track('early', {n: 1}); window.at = Date.now()</script>"
    page.goto(site.add("/", STUB + snippet(stand_in.url), body))

    view, identify, early = wait_for(stand_in, "page_view", "identify", "early")
    assert view["timestamp"] <= identify["timestamp"] <= early["timestamp"]
    assert early["userId"] == "7"
    assert page.evaluate("(time) => Date.parse(time) <= window.at + 5", early["timestamp"])


def test_the_script_twice_in_a_page_is_there_once(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url) * 2))
    page.evaluate("leadscore.track('after')")

    wait_for(stand_in, "page_view", "after")


def test_an_element_called_leadscore_is_in_nobodys_way(page: Page, site: Site, stand_in: StandIn) -> None:
    page.goto(site.add("/", snippet(stand_in.url), '<div id="leadscore">x</div>'))

    wait_for(stand_in, "page_view")


def test_a_strict_content_security_policy_needs_two_lines(page: Page, site: Site, stand_in: StandIn) -> None:
    policy = (
        f"default-src 'none'; script-src {stand_in.url}; connect-src {stand_in.url}; require-trusted-types-for 'script'"
    )
    page.goto(site.add("/", snippet(stand_in.url), "words", headers={"Content-Security-Policy": policy}))
    page.locator("body").click()

    wait_for(stand_in, "page_view")


def parse(event: dict[str, Any]) -> IncomingEvent:
    parsed = parse_event(json.dumps(event).encode())
    assert len(orjson.dumps(event["context"])) <= MAX_PROPERTIES_BYTES
    return parsed
