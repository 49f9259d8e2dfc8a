"""Rules, scorecards and tests are edited in the admin: in rows and sentences, with every mistake at its place."""

from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Membership, Project, User
from ingest.services import events
from ingest.services.leads import LeadCreated, create_lead
from ingest.services.projects import add_member, create_project
from scoring.core.ruleset import dump_value, parse_ruleset
from scoring.models import Rule, RuleGroup, RulesetTest, Scorecard, Stage
from scoring.services.draft import draft_of, replace_draft
from scoring.services.rulesets import latest_version

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 1, tzinfo=UTC)
PATH = {"field": "properties.path", "op": "starts_with", "value": "/pricing"}
PLAN = {"field": "traits.plan", "op": "in", "value": ["pro", "team"]}
BIG = {"field": "traits.employees", "op": "gte", "value": 50}
DEEP = {"all": [PLAN, {"any": [BIG, {"not": {"not": PATH}}]}]}
TREE = {
    "scorecards": [
        {
            "name": "Engagement",
            "rules": [
                {
                    "name": "Pricing page",
                    "event": ["page_view", "page_opened"],
                    "when": {"all": [PATH, {"not": BIG}, {"any": [PLAN, BIG, DEEP]}]},
                    "points": 15,
                    "cap": {"times": 3, "per": "day", "distinct": "properties.path"},
                    "expires_after_days": 90,
                    "valid_from": "2026-01-01T00:00:00.123456Z",
                    "group": "Web",
                }
            ],
            "groups": [{"name": "Web", "max": 60}],
        }
    ],
    "tests": [
        {
            "name": "Nothing is worth nothing",
            "events": [
                {
                    "eventType": "page_view",
                    "timestamp": "2026-01-10T10:00:00.5Z",
                    "eventId": "one",
                    "properties": {"path": "/", "tags": ["a"], "n": "5"},
                }
            ],
            "traits": {"plan": "free", "past": {"a": 1}},
            "expect": {"score": 0},
        }
    ],
}


@pytest.fixture
def project() -> Project:
    project = create_project("Acme", now=NOW)
    replace_draft(project.pk, parse_ruleset(TREE))
    return project


@pytest.fixture
def browser(project: Project) -> Client:
    user = User.objects.create_user("ed", is_staff=True)
    add_member(project.pk, user)
    user.is_superuser = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def rule() -> Rule:
    return Rule.objects.get(name="Pricing page")


def page_of(obj: Rule | RulesetTest | Scorecard | None = None, model: str = "rule") -> str:
    if obj is None:
        return reverse(f"admin:scoring_{model}_add")
    return reverse(f"admin:scoring_{obj._meta.model_name}_change", args=[obj.pk])


def rule_form(**values: Any) -> dict[str, Any]:
    """Return a new rule as a browser sends it, with one condition."""
    return {
        "scorecard": str(Scorecard.objects.get(project__name="Acme").pk),
        "name": "New",
        "active": "on",
        "event_types": ["page_view", "", ""],
        "points": "5",
        "cap_times": "",
        "cap_per": "lead",
        "cap_distinct": "",
        "group": "",
        "expires_after_days": "",
        "valid_from": "",
        "valid_to": "",
        **rows(("", "", "", "eq", "")),
    } | values


def rows(*row: tuple[str, str, str, str, str], mode: str = "all", **more: Any) -> dict[str, Any]:
    """Return conditions as a browser sends them: (group, "not" or "", field, operator, value)."""
    columns = list(zip(*row, strict=True)) or [()] * 5
    names = ("row-group", "row-not", "row-field", "row-op", "row-value")
    return {f"when-{name}": list(column) for name, column in zip(names, columns, strict=True)} | {
        "when-mode": mode,
        **{f"when-{name.replace('_', '-')}": value for name, value in more.items()},
    }


class Reader(HTMLParser):
    """Reads what a browser without JavaScript would send of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: dict[str, list[str]] = {}
        self.templates = 0
        self.select = self.area = self.text = ""
        self.options: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.templates += tag == "template"
        if not self.templates and hasattr(self, f"start_{tag}"):
            getattr(self, f"start_{tag}")(found, found.get("name") or "")

    def handle_endtag(self, tag: str) -> None:
        self.templates -= tag == "template"
        if not self.templates and hasattr(self, f"end_{tag}"):
            getattr(self, f"end_{tag}")()

    def handle_data(self, data: str) -> None:
        self.text += data

    def send(self, name: str, value: str) -> None:
        if name and not name.startswith(("csrf", "_")):
            self.sent.setdefault(name, []).append(value)

    def start_input(self, found: dict[str, str | None], name: str) -> None:
        kind = found.get("type")
        if kind == "checkbox" and "checked" in found:
            self.send(name, "on")
        elif kind not in {"checkbox", "submit", "radio"}:
            self.send(name, found.get("value") or "")

    def start_select(self, _: dict[str, str | None], name: str) -> None:
        self.select, self.options = name, []

    def start_option(self, found: dict[str, str | None], _: str) -> None:
        self.options.append((found.get("value") or "", "selected" in found))

    def start_textarea(self, _: dict[str, str | None], name: str) -> None:
        self.area, self.text = name, ""

    def end_select(self) -> None:
        chosen = [value for value, selected in self.options if selected] or [self.options[0][0]]
        self.send(self.select, chosen[0])

    def end_textarea(self) -> None:
        self.send(self.area, self.text.replace("\n", "\r\n"))


def as_shown(response: Any) -> dict[str, Any]:
    """Return what a browser without JavaScript sends when nobody changes anything on a page."""
    assert response.status_code == 200
    return Reader(response.content.decode()).sent


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "the form was taken"
    found = dict(response.context["adminform"].form.errors)
    for formset in response.context["inline_admin_formsets"]:
        for inline in formset.formset.forms:
            found |= inline.errors
    return found


def test_a_rule_saved_as_it_is_shown_stays_exactly_as_it_was(browser: Client, project: Project) -> None:
    before = draft_of(project.pk)

    saved = browser.post(page_of(rule()), as_shown(browser.get(page_of(rule()))))

    assert saved.status_code == 302
    assert draft_of(project.pk) == before


def test_a_test_saved_as_it_is_shown_stays_exactly_as_it_was(browser: Client, project: Project) -> None:
    before = draft_of(project.pk)
    test = RulesetTest.objects.get()

    saved = browser.post(page_of(test), as_shown(browser.get(page_of(test))))

    assert saved.status_code == 302
    assert draft_of(project.pk) == before


def test_a_scorecard_saved_as_it_is_shown_stays_exactly_as_it_was(browser: Client, project: Project) -> None:
    before = draft_of(project.pk)
    card = Scorecard.objects.get(project=project)

    saved = browser.post(page_of(card), as_shown(browser.get(page_of(card))))

    assert saved.status_code == 302
    assert draft_of(project.pk) == before


def test_another_part_of_a_rule_can_change_while_what_rows_cannot_show_is_kept(
    browser: Client, project: Project
) -> None:
    sent = as_shown(browser.get(page_of(rule())))
    sent["when-row-value"][0] = "/plans"

    assert browser.post(page_of(rule()), sent).status_code == 302

    changed = {"all": [PATH | {"value": "/plans"}, {"not": BIG}, {"any": [PLAN, BIG, DEEP]}]}
    assert dump_value(draft_of(project.pk).scorecards[0].rules[0].when) == changed


def test_what_rows_cannot_show_can_be_removed(browser: Client, project: Project) -> None:
    sent = as_shown(browser.get(page_of(rule()))) | {"when-kept-do": ["drop"]}

    browser.post(page_of(rule()), sent)

    assert rule().when == {"all": [PATH, {"not": BIG}, {"any": [PLAN, BIG]}]}


def test_a_condition_that_somebody_else_changed_meanwhile_is_not_overwritten(browser: Client, project: Project) -> None:
    sent = as_shown(browser.get(page_of(rule())))
    Rule.objects.update(when={"all": [PATH]})
    sent["when-row-value"][0] = "/plans"

    response = browser.post(page_of(rule()), sent)

    assert errors_of(response) == {"when": ["Somebody else has changed this condition meanwhile. Open the rule again."]}


def test_a_new_rule_is_made_of_rows_and_sentences(browser: Client, project: Project) -> None:
    conditions = rows(
        ("", "", "properties.path", "starts_with", "/a\r\n/b"),
        ("", "not", "properties.internal", "true", ""),
        ("g", "", "traits.plan", "in", 'pro\r\n"5"\r\n5'),
        ("g", "", "traits.size", "gt", "10"),
        ("", "", "", "eq", ""),
        group=["g", "spare"],
        group_not=["not", ""],
        group_mode=["any", "all"],
        mode="any",
    )
    capped = {"cap_times": "2", "cap_per": "week", "cap_distinct": "properties.path"}
    group = {
        "group": str(RuleGroup.objects.get(name="Web").pk),
        "expires_after_days": "30",
        "valid_to": "2027-01-01T00:00:00",
    }

    response = browser.post(
        page_of(), rule_form(**conditions, **capped, **group, event_types=["page_view", "signup, download"])
    )

    assert response.status_code == 302
    added = draft_of(project.pk).scorecards[0].rules[1]
    assert dump_value(added) == {
        "name": "New",
        "event": ["page_view", "signup", "download"],
        "when": {
            "any": [
                {"field": "properties.path", "op": "starts_with", "value": ["/a", "/b"]},
                {"not": {"field": "properties.internal", "op": "eq", "value": True}},
                {
                    "not": {
                        "any": [
                            {"field": "traits.plan", "op": "in", "value": ["pro", "5", 5]},
                            {"field": "traits.size", "op": "gt", "value": 10},
                        ]
                    }
                },
            ]
        },
        "points": 5,
        "cap": {"times": 2, "per": "week", "distinct": "properties.path"},
        "expires_after_days": 30,
        "valid_to": "2027-01-01T00:00:00Z",
        "group": "Web",
    }


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": "Pricing page"}, "name", "“Pricing page” is there already; names must differ."),
        ({"name": ""}, "name", "This field is required."),
        ({"event_types": ["page view!"]}, "event_types", "Must be an event type"),
        ({"event_types": ["a", "*"]}, "event_types", "* stands alone: it already means every type."),
        ({"event_types": ["a", "a"]}, "event_types", "Names an event type twice."),
        ({"event_types": ["", ""]}, "event_types", "This field is required."),
        ({"points": "2000000"}, "points", "Must be between -1,000,000 and 1,000,000."),
        ({"points": "0.001"}, "points", "Ensure that there are no more than 2 decimal places."),
        ({"cap_times": "0"}, "cap_times", "Must be at least 1."),
        ({"cap_distinct": "properties.path"}, "cap_times", "Say how many times."),
        ({"cap_times": "1", "cap_distinct": "path"}, "cap_distinct", "Must be a path that begins with"),
        ({"cap_per": "year"}, "cap_per", "Select a valid choice."),
        ({"expires_after_days": "0"}, "expires_after_days", "Must be at least 1."),
        ({"expires_after_days": "99999999999999999999"}, "expires_after_days", "Must be at most 36500."),
        (
            {"valid_from": "2026-02-01T00:00", "valid_to": "2026-01-01T00:00"},
            "valid_to",
            "Must be after valid_from.",
        ),
        ({"valid_from": "soon"}, "valid_from", "Enter a valid date/time."),
        ({"group": "0190a0a0-0000-7000-8000-000000000000"}, "group", "Select a valid choice."),
    ],
)
def test_a_mistake_in_a_rule_is_told_at_its_field(
    browser: Client, project: Project, values: dict[str, Any], field: str, words: str
) -> None:
    found = errors_of(browser.post(page_of(), rule_form(**values)))

    assert list(found) == [field]
    assert found[field][0].startswith(words)
    assert Rule.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("", "", "", "eq", "x"), "Say which field, such as properties.path."),
        (("", "", "path", "eq", "x"), "Must be a path that begins with properties., traits. or context."),
        (("", "", "properties.path", "eq", " "), "Say with which value to compare."),
        (("", "", "properties.path", "like", "x"), "Choose how to compare."),
        (("", "", "properties.n", "gt", "many"), "Must be a number, or a time like 2026-01-01T00:00:00Z."),
        (("", "not", "properties.n", "matches", "("), "Is not a regular expression that can be searched for"),
    ],
)
def test_a_mistake_in_a_condition_is_told_in_its_row(
    browser: Client, project: Project, row: tuple[str, str, str, str, str], words: str
) -> None:
    good = ("", "", "properties.a", "exists", "")

    response = browser.post(page_of(), rule_form(**rows(good, row)))

    assert errors_of(response) == {"when": ["Please correct the marked conditions."]}
    page = response.content.decode()
    wrong = page[page.index("rows-wrong") :]
    assert words in wrong[: wrong.index("</div>")]


def test_a_form_that_was_tampered_with_is_refused_without_harm(browser: Client, project: Project) -> None:
    torn = rule_form() | {"when-row-op": ["eq", "eq", "eq"]}
    invented = rule_form(**rows(("", "", "", "eq", ""), kept=["abc"], kept_group=[""], kept_do=["keep"]))

    assert list(errors_of(browser.post(page_of(), torn))) == ["when"]
    assert list(errors_of(browser.post(page_of(), invented))) == ["when"]
    assert list(errors_of(browser.post(page_of(), rule_form(name="a\0b")))) == ["name"]
    assert list(errors_of(browser.post(page_of(), rule_form(**rows(("", "", "properties.\0", "eq", "\0")))))) == [
        "when"
    ]


def test_what_people_typed_is_shown_again_escaped(browser: Client, project: Project) -> None:
    response = browser.post(page_of(), rule_form(**rows(("", "", "<script>x</script>", "eq", "</textarea><script>"))))

    page = response.content.decode()
    assert "<script>x</script>" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;" in page


def test_rules_are_found_by_name_and_event(browser: Client, project: Project) -> None:
    listed = reverse("admin:scoring_rule_changelist")

    assert "Pricing page" in browser.get(listed, {"q": "page_opened"}).content.decode()
    assert "0 rules" in browser.get(listed, {"q": "nothing like it"}).content.decode()


def test_the_list_of_rules_costs_the_same_however_many_there_are(browser: Client, project: Project) -> None:
    listed = reverse("admin:scoring_rule_changelist")
    browser.get(listed)
    with CaptureQueriesContext(connection) as few:
        browser.get(listed)
    card = Scorecard.objects.get(project=project)
    Rule.objects.bulk_create(Rule(scorecard=card, name=f"R{number}", points=Decimal(1)) for number in range(20))
    with CaptureQueriesContext(connection) as many:
        browser.get(listed)

    assert len(many) == len(few)


def test_fields_and_event_types_that_were_seen_are_suggested(browser: Client, project: Project) -> None:
    other = create_project("Other", now=NOW)
    for tenant, name in ((project, "seen"), (other, "strangers")):
        lead = create_lead(tenant.pk, names=[Name("email", "a@example.com")], traits={f"{name}_trait": 1}, now=NOW)
        assert isinstance(lead, LeadCreated)
        event = IncomingEvent(event_type=f"{name}_type", lead_id=str(lead.lead_id), properties={name: {"deep": 1}})
        events.record(tenant.pk, [event], now=NOW)

    page = browser.get(page_of(rule())).content.decode()

    assert '<option value="properties.seen.deep">' in page
    assert '<option value="traits.seen_trait">' in page
    assert '<option value="seen_type">' in page
    assert "strangers" not in page


def test_nobody_sees_or_uses_rules_of_another_project(browser: Client, project: Project) -> None:
    other = create_project("Other", now=NOW)
    foreign = Rule.objects.filter(scorecard__project=other).first()
    assert foreign is not None
    User.objects.update(is_superuser=False)
    user = User.objects.get()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="scoring"))
    assert Membership.objects.filter(user=user).count() == 1

    assert browser.get(page_of(rule())).status_code == 200
    assert browser.get(page_of(foreign)).status_code == 302
    assert "Other" not in browser.get(reverse("admin:scoring_rule_changelist")).content.decode()
    assert browser.get(reverse("admin:scoring_run_tests", args=[other.pk])).status_code == 404
    found = errors_of(browser.post(page_of(), rule_form(scorecard=str(foreign.scorecard_id))))
    assert list(found) == ["scorecard"]


def test_who_may_only_look_reads_words(browser: Client, project: Project) -> None:
    User.objects.update(is_superuser=False)
    looks = Permission.objects.filter(content_type__app_label="scoring", codename__startswith="view_")
    User.objects.get().user_permissions.set(looks)

    of_rule = browser.get(page_of(rule())).content.decode()
    of_test = browser.get(page_of(RulesetTest.objects.get())).content.decode()

    assert "page_view or page_opened where properties.path starts with “/pricing”" in of_rule
    assert "score 0" in of_test
    assert "&quot;field&quot;" not in of_rule
    assert "eventType" not in of_test
    assert browser.post(page_of(rule()), rule_form()).status_code == 403


def test_stages_are_checked_together_and_kept_in_order(browser: Client, project: Project) -> None:
    card = Scorecard.objects.get(project=project)
    sent = as_shown(browser.get(page_of(card)))

    twice = browser.post(page_of(card), sent | {"stages-1-minimum": "50"})
    above = browser.post(page_of(card), sent | {"stages-0-minimum": "3"})
    moved = browser.post(page_of(card), sent | {"stages-1-minimum": "70", "stages-3-hysteresis": "5"})

    assert errors_of(twice) == {"minimum": ["Stage “warm” begins at the same score."]}
    assert errors_of(above) == {"minimum": ["Must not be above the floor of 0, or some scores would have no stage."]}
    assert moved.status_code == 302
    stages = draft_of(project.pk).scorecards[0].stages
    assert [(stage.name, int(stage.min), int(stage.hysteresis)) for stage in stages] == [
        ("cold", 0, 0),
        ("hot", 50, 0),
        ("warm", 70, 0),
        ("qualified", 100, 5),
    ]


def test_stages_may_swap_their_names_and_minimums(browser: Client, project: Project) -> None:
    card = Scorecard.objects.get(project=project)
    sent = as_shown(browser.get(page_of(card)))
    swapped = {"stages-1-minimum": "50", "stages-2-minimum": "20", "stages-0-name": "warm", "stages-1-name": "cold"}

    assert browser.post(page_of(card), sent | swapped).status_code == 302

    stages = draft_of(project.pk).scorecards[0].stages
    assert [(stage.name, int(stage.min)) for stage in stages] == [
        ("warm", 0),
        ("hot", 20),
        ("cold", 50),
        ("qualified", 100),
    ]


def test_a_group_that_is_removed_leaves_its_rules(browser: Client, project: Project) -> None:
    card = Scorecard.objects.get(project=project)

    saved = browser.post(page_of(card), as_shown(browser.get(page_of(card))) | {"groups-0-DELETE": "on"})

    assert saved.status_code == 302
    assert draft_of(project.pk).scorecards[0].rules[0].group is None


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"cap": "-5"}, "cap", "Must not be below the floor of 0."),
        ({"half_life_days": "0"}, "half_life_days", "Must be at least 0.01."),
        ({"half_life_days": "nan"}, "half_life_days", "Enter a number."),
        ({"basis": "traits"}, "basis", "Rule “Pricing page”, event: Does not go with basis traits"),
    ],
)
def test_a_mistake_in_a_scorecard_is_told_at_its_field(
    browser: Client, project: Project, values: dict[str, str], field: str, words: str
) -> None:
    card = Scorecard.objects.get(project=project)

    found = errors_of(browser.post(page_of(card), as_shown(browser.get(page_of(card))) | values))

    assert list(found) == [field]
    assert found[field][0].startswith(words)


def test_a_draft_that_cannot_be_published_says_why_at_the_top(browser: Client, project: Project) -> None:
    Stage.objects.filter(scorecard__project=project, name="cold").update(minimum=7)

    page = browser.get(page_of(rule())).content.decode()

    assert "The draft of Acme cannot be published yet:" in page
    assert "Scorecard “Engagement”, stage “cold”, minimum: must not be above the floor of 0" in page


def expecting(**values: Any) -> dict[str, Any]:
    return {
        "name": "Pricing warms",
        "events-key": ["e0", "s0"],
        "events-type": ["page_view", ""],
        "events-time": ["2026-02-01T10:00", ""],
        "events-kept": ["", ""],
        "events-pair-event": ["e0", "e0", "s0"],
        "events-pair-name": ["path", "vip", ""],
        "events-pair-value": ["/pricing", "true", ""],
        "traits-name": ["employees", ""],
        "traits-value": ["10", ""],
        "as_of": "",
        "score": "15",
        "stage": "cold",
    } | values


def test_a_test_is_made_of_rows(browser: Client, project: Project) -> None:
    response = browser.post(page_of(model="rulesettest"), expecting(project=str(project.pk)))

    assert response.status_code == 302
    assert dump_value(draft_of(project.pk).tests[1]) == {
        "name": "Pricing warms",
        "events": [
            {
                "eventType": "page_view",
                "timestamp": "2026-02-01T10:00:00Z",
                "properties": {"path": "/pricing", "vip": True},
            }
        ],
        "traits": {"employees": 10},
        "expect": {"score": 15, "stage": "cold"},
    }


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"events-time": ["", ""]}, "events", "Say when it happens."),
        ({"events-time": ["tomorrow", ""]}, "events", "“tomorrow” is not a time such as 2026-01-31T10:00."),
        ({"events-type": ["", ""]}, "events", "Say which event, such as page_view."),
        ({"events-type": ["adjustment", ""]}, "events", "A test cannot hold adjustments"),
        ({"events-pair-name": ["a", "a", ""]}, "events", "“a” is there twice."),
        ({"events-pair-name": ["", "a", ""]}, "events", "Say what “/pricing” is: it needs a name."),
        ({"traits-name": ["", ""]}, "traits", "Say what “10” is: it needs a name."),
        ({"score": "", "stage": ""}, "score", "Say which score or stage you expect."),
        ({"score": "1.234"}, "score", "Ensure that there are no more than 2 decimal places."),
    ],
)
def test_a_mistake_in_a_test_is_told_at_its_place(
    browser: Client, project: Project, values: dict[str, Any], field: str, words: str
) -> None:
    response = browser.post(page_of(model="rulesettest"), expecting(project=str(project.pk)) | values)

    assert list(errors_of(response)) == [field]
    assert words in response.content.decode()


def test_running_the_tests_says_in_words_which_fail_and_publishing_is_refused(
    browser: Client, project: Project
) -> None:
    RulesetTest.objects.update(score=9)
    words = "“Nothing is worth nothing”: Engagement should score 9, but scores 0"

    ran = browser.get(reverse("admin:scoring_run_tests", args=[project.pk])).content.decode()
    published = browser.post(
        reverse("admin:scoring_publish", args=[project.pk]), {"applies": "always", "note": ""}
    ).content.decode()

    assert "1 of 1 tests fail" in ran
    assert words in ran
    assert words in published
    assert latest_version(project.pk).number == 1


def test_tests_that_pass_say_so(browser: Client, project: Project) -> None:
    page = browser.get(reverse("admin:scoring_run_tests", args=[project.pk])).content.decode()

    assert "All 1 tests pass." in page
