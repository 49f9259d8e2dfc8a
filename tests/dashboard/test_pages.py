"""What each page shows."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from automation.models import Action, Automation, Delivery
from ingest.core import keys
from ingest.core.keys import KeyKind
from ingest.models import ApiKey, Project
from tests.dashboard.build import make_lead, score, track


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.headers
    return answer.content.decode()


@pytest.fixture
def home(project: Project) -> str:
    return f"/p/{project.pk}"


class TestOverview:
    def test_an_empty_project_gets_its_first_steps_with_its_own_key(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        key = keys.generate(KeyKind.WRITE)
        ApiKey.objects.create(project=project, kind="write", hint=key.hint, digest=key.digest, token=key.token)

        page = text_of(browser_of_member, home)

        assert f"Authorization: Bearer {key.token}" in page
        assert "http://testserver/api/events" in page

    def test_the_first_steps_never_show_a_key_that_is_switched_off(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        key = keys.generate(KeyKind.WRITE)
        ApiKey.objects.create(
            project=project, kind="write", hint=key.hint, digest=key.digest, token=key.token, active=False
        )

        page = text_of(browser_of_member, home)

        assert key.token not in page
        assert "no active write key" in page

    def test_the_first_steps_make_room_for_the_overview_with_the_first_event(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        poll = {"HX-Request": "true", "HX-Target": "first-steps"}
        assert browser_of_member.get(home, headers=poll).status_code == 204

        make_lead(project)

        assert browser_of_member.get(home, headers=poll).headers["HX-Refresh"] == "true"

    def test_it_shows_what_is_going_on(self, browser_of_member: Client, project: Project, home: str) -> None:
        track(make_lead(project, name="Ada"), "demo_request")
        track(make_lead(project, name="Grace"), "page_view")
        score()

        page = text_of(browser_of_member, home)

        assert "4</strong> in the last hour" in page  # creating a lead is an event too
        assert f"{home}/leads?stage=hot" in page
        assert "demo_request" in page
        assert page.index("Ada") < page.index("Grace")

    def test_a_fragment_is_not_sent_again_while_nothing_changes(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        lead = make_lead(project, name="Ada")
        script = {"HX-Request": "true"}
        first = browser_of_member.get(home, headers=script)
        seen = first.context["seen"]
        assert b"<html" not in first.content

        assert browser_of_member.get(f"{home}?seen={seen}", headers=script).status_code == 204

        track(lead, "signup")
        assert browser_of_member.get(f"{home}?seen={seen}", headers=script).status_code == 200


@pytest.mark.parametrize(
    "page", ["", "/leaderboard", "/leaderboard?stage=hot", "/automations", "/leads/{}", "/fire/watch/{}"]
)
def test_a_live_part_asks_with_what_it_shows_and_gets_nothing_until_that_changes(
    browser_of_member: Client, project: Project, home: str, page: str
) -> None:
    Automation.objects.create(project=project, name="Tell sales", trigger="event", event_type="demo_request")
    lead = make_lead(project, name="Ada")
    track(lead, "demo_request")
    score()
    whole = text_of(browser_of_member, home + page.format(lead.pk))

    (poll,) = re.findall(r'data-poll="\d+" hx-get="([^"]+)"', whole)
    script = {"HX-Request": "true"}
    assert browser_of_member.get(html.unescape(poll), headers=script).status_code == 204

    track(lead, "demo_request")
    score()
    assert browser_of_member.get(html.unescape(poll), headers=script).status_code == 200


class TestLeads:
    def test_they_are_found_by_name_email_and_company(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        make_lead(project, email="ada@engines.example", name="Ada Lovelace", company="Engines")
        make_lead(project, name="Grace Hopper")

        for text in ("lovelace", "ada@eng", "ENGINES"):
            page = text_of(browser_of_member, f"{home}/leads?q={text}")
            assert "Ada Lovelace" in page
            assert "Grace Hopper" not in page

    def test_they_are_filtered_by_stage_and_ordered(
        self, browser_of_member: Client, project: Project, home: str
    ) -> None:
        track(make_lead(project, name="Warm"), "signup")
        track(make_lead(project, name="Hot"), "demo_request")
        make_lead(project, name="Cold")
        score()

        by_score = text_of(browser_of_member, f"{home}/leads")
        assert by_score.index(">Hot<") < by_score.index(">Warm<") < by_score.index(">Cold<")
        lowest = text_of(browser_of_member, f"{home}/leads?ordering=score")
        assert lowest.index(">Cold<") < lowest.index(">Warm<") < lowest.index(">Hot<")
        warm = text_of(browser_of_member, f"{home}/leads?stage=warm")
        assert ">Warm<" in warm
        assert ">Hot<" not in warm

    def test_every_lead_is_on_exactly_one_page(self, browser_of_member: Client, project: Project, home: str) -> None:
        for number in range(61):
            make_lead(project, name=f"Person {number}")

        first = browser_of_member.get(f"{home}/leads?q=person")
        second = browser_of_member.get(f"{home}/leads{first.context['next_url']}")

        shown = [row.label for answer in (first, second) for row in answer.context["rows"]]
        assert sorted(shown) == sorted(f"Person {number}" for number in range(61))
        assert second.context["next_url"] is None
        assert "q=person" in second.context["previous_url"]

    def test_a_mangled_cursor_leads_to_the_first_page(self, browser_of_member: Client, home: str) -> None:
        answer = browser_of_member.get(f"{home}/leads?q=a&cursor=nonsense")

        assert answer.headers["Location"] == f"{home}/leads?q=a"

    @pytest.mark.parametrize("query", ["?ordering=nonsense", "?stage=nonsense", "?q=%00", "?q=%25_'", "?cursor="])
    def test_no_address_breaks_it(self, browser_of_member: Client, home: str, query: str) -> None:
        assert browser_of_member.get(f"{home}/leads{query}").status_code == 200


class TestLead:
    def test_it_explains_the_score_entry_by_entry(self, browser_of_member: Client, project: Project, home: str) -> None:
        lead = make_lead(project, email="ada@example.com", name="Ada", plan="pro")
        track(lead, "demo_request", at=timezone.now() - timedelta(days=2))
        track(lead, "unsubscribe")
        score()

        page = text_of(browser_of_member, f"{home}/leads/{lead.pk}")

        assert 'data-count="30.00"' in page
        assert "Demo request</bdi> +50" in page
        assert "Unsubscribed</bdi> −20" in page
        assert "v1" in page
        assert "ada@example.com" in page
        assert "plan" in page

    def test_it_says_what_to_do_next_and_why(self, browser_of_member: Client, project: Project, home: str) -> None:
        lead = make_lead(project, name="Ada")
        track(lead, "contract_signed")
        score()

        page = text_of(browser_of_member, f"{home}/leads/{lead.pk}")

        assert "Immediate outreach" in page
        assert "Call today" in page
        assert "1 event in the last 24 hours" in page
        assert "100 points this week after 0 last week" in page

    def test_it_says_why_points_did_not_count(self, browser_of_member: Client, project: Project, home: str) -> None:
        lead = make_lead(project, name="Ada")
        track(lead, "unsubscribe")
        score()

        page = text_of(browser_of_member, f"{home}/leads/{lead.pk}")

        assert "±0" in page
        assert "the score is at its floor of 0" in page

    def test_its_history_is_paged(self, browser_of_member: Client, project: Project, home: str) -> None:
        lead = make_lead(project, name="Ada")
        track(lead, *["page_view"] * 30)
        score()

        first = browser_of_member.get(f"{home}/leads/{lead.pk}")
        older = browser_of_member.get(f"{home}/leads/{lead.pk}?{first.context['older']}")

        assert len(first.context["entries"]) == 25
        assert [entry.new_score for entry in older.context["entries"]] == [25, 20, 15, 10, 5]

    def test_it_says_what_is_still_being_scored(self, browser_of_member: Client, project: Project, home: str) -> None:
        lead = make_lead(project, name="Ada")
        score()
        track(lead, "signup", "signup")

        assert "2 events being scored" in text_of(browser_of_member, f"{home}/leads/{lead.pk}")

    @pytest.mark.parametrize(
        "name",
        ["<script>alert(1)</script>", "</title><svg onload=alert(1)>", "{{ 7*7 }}", "\u202eevil", "x" * 200, "\"'`"],
    )
    def test_a_hostile_name_is_only_ever_text(
        self, browser_of_member: Client, project: Project, home: str, name: str
    ) -> None:
        lead = make_lead(project, name=name, company=name, **{"<b>key</b>": name})
        track(lead, "signup")
        score()

        for address in (
            "",
            "/leads",
            f"/leads/{lead.pk}",
            "/leaderboard",
            f"/fire?lead={lead.pk}",
            "/leads?q=<script>",
        ):
            page = text_of(browser_of_member, f"{home}{address}")
            assert "<script>alert" not in page
            assert "<svg onload" not in page
            assert "<b>key" not in page


def test_the_leaderboard_ranks_and_filters(browser_of_member: Client, project: Project, home: str) -> None:
    track(make_lead(project, name="First"), "contract_signed")
    track(make_lead(project, name="Second"), "demo_request")
    score()

    everybody = text_of(browser_of_member, f"{home}/leaderboard")
    assert everybody.index(">First<") < everybody.index(">Second<")
    assert ">First<" not in text_of(browser_of_member, f"{home}/leaderboard?stage=hot")


def test_the_automations_page_shows_runs_and_what_became_of_their_deliveries(
    browser_of_member: Client, project: Project, home: str
) -> None:
    automation = Automation.objects.create(project=project, name="Tell sales", to_stage="hot")
    Action.objects.create(automation=automation, kind=Action.Kind.SLACK, url="https://hooks.example/1")
    lead = make_lead(project, name="Ada")
    track(lead, "demo_request")
    score()
    Delivery.objects.update(status=Delivery.Status.FAILED, attempts=8, detail="Slack answered 404.")

    page = text_of(browser_of_member, f"{home}/automations")

    for words in ("Tell sales", "Ada", "hot", "failed", "8 attempts", "Slack answered 404."):
        assert words in page
    assert "Tell sales" in text_of(browser_of_member, f"{home}/leads/{lead.pk}")


@pytest.mark.parametrize("page", ["/leads", "/leaderboard", "/automations", "/fire"])
def test_an_empty_project_has_no_empty_page(browser_of_member: Client, home: str, page: str) -> None:
    words = text_of(browser_of_member, f"{home}{page}")

    assert "yet" in words
