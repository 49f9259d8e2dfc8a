"""Finding, reading and looking: the pages as people use them."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from ingest.models import Project
from tests.browser.conftest import log_in
from tests.dashboard.build import make_lead, score, track

pytestmark = pytest.mark.browser

PAGES = ["", "/leads", "/leaderboard", "/automations", "/fire"]

CONTRAST = """
() => {
  const parse = (text) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest("svg, .unseen, .skip")) continue;
    const colours = [parse(getComputedStyle(element).color), ground(element)];
    const [a, b] = colours.map(luminance).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.outerHTML} ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""

TOO_WIDE = """
() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 200))
"""


@pytest.fixture
def full(project: Project) -> str:
    """A project with a lead in every stage, one of them with a hostile name; return the hostile one's page."""
    for name, event_type in [("Cold", "page_view"), ("Warm", "signup"), ("Hot", "demo_request")]:
        track(make_lead(project, name=name, company="Company"), event_type)
    hostile = make_lead(
        project,
        name="<script>document.title='owned'</script>" + "W" * 150,
        company="<img src=x onerror=alert(1)>" + "M" * 150,
        **{"k" * 120: "v" * 400},
    )
    track(hostile, "contract_signed", "unsubscribe", "x" * 64)
    score()
    return f"/leads/{hostile.pk}"


def test_a_search_changes_the_list_and_the_address_and_back_goes_back(page: Page, project: Project) -> None:
    make_lead(project, name="Ada Lovelace")
    make_lead(project, name="Grace Hopper")
    page.goto(f"/p/{project.pk}/leads")

    page.get_by_label("Search by name, e-mail or company").fill("love")
    expect(page.get_by_role("link", name="Grace Hopper")).to_have_count(0)
    page.wait_for_url("**/leads?q=love**")
    page.go_back()

    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()


def test_a_stage_on_the_overview_leads_to_its_leads(page: Page, project: Project, full: str) -> None:
    page.goto(f"/p/{project.pk}")

    page.locator("#stage-warm").click()

    expect(page.get_by_role("link", name="Warm", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Hot", exact=True)).to_have_count(0)


def test_the_theme_is_remembered(page: Page, project: Project) -> None:
    page.goto(f"/p/{project.pk}/leads")
    page.get_by_role("button", name="Switch between light and dark").click()
    page.goto(f"/p/{project.pk}/leaderboard")

    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_the_account_menu_works_by_keyboard_and_logs_out(page: Page, project: Project) -> None:
    page.goto(f"/p/{project.pk}/leads")
    menu = page.locator("details.menu.end")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name="API documentation")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="API documentation")).to_be_hidden()

    page.keyboard.press("Enter")
    menu.get_by_role("button", name="Log out").click()

    page.wait_for_url("**/login")


def test_the_first_tab_stop_skips_to_the_content(page: Page, project: Project) -> None:
    page.goto(f"/p/{project.pk}/leads")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_overflows_and_hostile_names_are_only_text(page: Page, project: Project, full: str, width: int) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.set_viewport_size({"width": width, "height": 740})

    for address in [*PAGES, full, f"/fire?lead={full.rsplit('/', 1)[1]}"]:
        page.goto(f"/p/{project.pk}{address}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(TOO_WIDE) == [], address
        assert page.title() != "owned"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(page: Page, project: Project, full: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    for address in [*PAGES, full, "/leads?q=nobody"]:
        page.goto(f"/p/{project.pk}{address}")
        assert page.evaluate(CONTRAST) == [], address


def test_every_page_has_one_heading_and_a_name_for_every_control(page: Page, project: Project, full: str) -> None:
    for address in [*PAGES, full]:
        page.goto(f"/p/{project.pk}{address}")
        assert page.locator("h1").count() == 1
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")]
              .filter((control) => !(control.textContent.trim() || control.getAttribute("aria-label")
                || [...(control.labels ?? [])].some((label) => label.textContent.trim())))
              .map((control) => control.outerHTML)"""
        )
        assert nameless == [], address


def test_it_works_without_scripts(chromium: Browser, live_server: LiveServer, project: Project, full: str) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    log_in(page)

    page.goto(f"/p/{project.pk}/leads")
    page.get_by_label("Stage", exact=True).select_option("warm")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Hot", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Warm", exact=True).click()
    page.get_by_role("link", name="Fire event").last.click()
    page.get_by_text("demo_request", exact=True).click()
    page.get_by_role("button", name="Fire", exact=True).click()

    expect(page.locator("#watch").get_by_text("1 being scored")).to_be_visible()
    context.close()
