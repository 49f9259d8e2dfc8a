"""Sources in the admin: members edit those of their projects, try mappings out, and replay what was refused."""

import html
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from ingest.core.vendors import VENDORS
from ingest.models import Event, Project, User, WebhookReceipt, WebhookSource
from ingest.services import webhooks
from ingest.tasks import forget_receipts
from ingest.webhook_forms import vendor_initial
from tests.builders import Answer, make_member, make_project
from tests.webhooks.build import SIGNERS, Sender, call, make_source, sender_of

pytestmark = pytest.mark.django_db
LIST = "/admin/ingest/webhooksource/"
RECEIPTS = "/admin/ingest/webhookreceipt/"


@pytest.fixture
def project() -> Project:
    return make_project("Mine")


@pytest.fixture
def member(project: Project) -> User:
    member = make_member(project, "me")
    member.user_permissions.add(*Permission.objects.all())
    return member


@pytest.fixture
def browser(member: User) -> Client:
    browser = Client()
    browser.force_login(member)
    return browser


def form_of(vendor: str = "stripe", **fields: Any) -> dict[str, Any]:
    """Return what a browser sends of the form that a vendor begins with."""
    filled: dict[str, Any] = {
        "events_per_minute": "600",
        "tolerance": "300",
        "signature_encoding": "hex",
        "new_secret": "",
    }
    filled |= {"active": "on", **vendor_initial(VENDORS[vendor]), **fields}
    return {name: value for name, value in filled.items() if value is not False}


def told(answer: Answer) -> str:
    return html.unescape(answer.content.decode())


def tried(browser: Client, **fields: Any) -> str:
    answer = browser.post(f"{LIST}try/", form_of(**fields), headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 200
    return told(answer)


# --- Editing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_source_of_a_vendor_is_made_from_its_form_and_takes_the_vendors_webhooks(
    browser: Client, project: Project, vendor: str
) -> None:
    page = browser.get(f"{LIST}add/?vendor={vendor}")
    assert VENDORS[vendor].advice in told(page)

    answer = browser.post(f"{LIST}add/", form_of(vendor, project=project.pk), follow=True)

    source = WebhookSource.objects.get()
    said = told(answer)
    assert f"http://127.0.0.1:8000/api/webhooks/{source.public_id}" in said
    assert f"shown only this once: {source.secret}" in said
    assert source.secret not in told(browser.get(f"{LIST}{source.pk}/change/"))
    sender = Sender(source=source, signer=SIGNERS[vendor])
    assert sender.send(VENDORS[vendor].payload.encode()).json()["status"] == "queued"


def test_a_saved_form_changes_nothing_when_it_is_saved_again(browser: Client, project: Project) -> None:
    source = make_source(project, "typeform")
    before = WebhookSource.objects.values().get()
    form = browser.get(f"{LIST}{source.pk}/change/").context["adminform"].form
    initial = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}

    browser.post(f"{LIST}{source.pk}/change/", {name: value for name, value in initial.items() if value})

    after = WebhookSource.objects.values().get()
    assert after["mapping"]["properties"] == {name: [path] for name, path in before["mapping"]["properties"].items()}
    assert after["mapping"]["when"] == before["mapping"]["when"]
    assert {**after, "mapping": None} == {**before, "mapping": None}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "customer.email", "Must begin with $, as in $.data.email."),
        ("properties", "plan = $..plan", "“plan” must not use “..”"),
        ("properties", "plan", "Has a line that is not “name = …”: plan"),
        ("event_types", "a = b c", "“a” must be 1 to 64 letters, digits or underscores"),
        ("event_type", "", "This field is required."),
        ("when", "$.a = 1\nx = 2", "Line 2 must begin with $"),
        ("items", "events", "Must begin with $"),
        ("signature_form", "nonsense", "This must have {signature} in it, once."),
        ("signature_header", "", "This must be the name of a header"),
        ("signed_content", "{body}", "anybody could change one that is not"),
        ("slug", "Not A Slug", "Use small letters, digits and hyphens"),
        ("new_secret", "short", "A secret is 8 to 200 characters long."),
    ],
)
def test_a_mistake_is_told_at_its_field(browser: Client, project: Project, field: str, value: str, said: str) -> None:
    answer = browser.post(f"{LIST}add/", form_of("stripe", project=project.pk, **{field: value}))

    errors = answer.context["adminform"].form.errors
    assert said in " ".join(errors[field])
    assert WebhookSource.objects.count() == 0


def test_a_mapping_of_nobody_is_told(browser: Client, project: Project) -> None:
    answer = browser.post(f"{LIST}add/", form_of("stripe", project=project.pk, email="", user_id=""))

    assert "whose event is it?" in str(answer.context["adminform"].form.errors)


def test_two_sources_of_a_project_have_different_short_names(browser: Client, project: Project) -> None:
    make_source(project, "stripe")

    assert browser.post(f"{LIST}add/", form_of("stripe", project=project.pk)).status_code == 200
    assert WebhookSource.objects.count() == 1


def test_a_new_secret_joins_the_old_one_until_the_old_one_is_dropped(browser: Client, project: Project) -> None:
    source = make_source(project, "stripe")
    first = source.secret
    page = f"{LIST}{source.pk}/change/"

    browser.post(page, form_of("stripe", new_secret="another secret"))
    both = WebhookSource.objects.get()
    browser.post(page, form_of("stripe", drop_former="on"))
    one = WebhookSource.objects.get()
    made = told(browser.post(page, form_of("stripe", make_secret="on"), follow=True))

    assert (both.secret, both.former_secret) == ("another secret", first)
    assert (one.secret, one.former_secret) == ("another secret", "")
    assert f"shown only this once: {WebhookSource.objects.get().secret}" in made


def test_another_scheme_needs_a_secret_that_fits(browser: Client, project: Project) -> None:
    source = make_source(project, "calendly")
    page = f"{LIST}{source.pk}/change/"

    refused = browser.post(page, form_of("standard"))
    taken = browser.post(page, form_of("standard", make_secret="on"))

    assert "The present secret does not fit" in str(refused.context["adminform"].form.errors["new_secret"])
    assert taken.status_code == 302
    changed = WebhookSource.objects.get()
    assert changed.secret.startswith("whsec_")
    assert changed.former_secret == ""
    assert Sender(source=changed, signer=SIGNERS["standard"]).send(call()).status_code == 202


# --- Trying out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_mapping_is_tried_out_with_an_example_and_nothing_is_stored(browser: Client, vendor: str) -> None:
    said = tried(browser, vendor=vendor, try_pick=f"vendor:{vendor}")

    assert '"email": "ada@example.com"' in said
    assert f'"eventId": "{vendor}:' in said
    assert Event.objects.count() == WebhookReceipt.objects.count() == 0


def test_a_pasted_payload_is_tried_and_the_reason_is_told(browser: Client) -> None:
    assert "whose event is it?" in tried(
        browser, try_payload='{"type": "checkout.session.completed"}', try_pick="vendor:stripe"
    )
    assert "is not in the list of types" in tried(browser, try_payload='{"type": "x"}')
    assert "is not valid JSON" in tried(browser, try_payload='{"type"')
    assert "Paste a payload, or choose one." in tried(browser, try_pick="nonsense")
    assert "Event type: This field is required." in tried(browser, event_type="")


def test_what_is_shown_of_a_payload_is_text(browser: Client) -> None:
    answer = browser.post(f"{LIST}try/", form_of(try_payload='{"type": "<script>alert(1)</script>"}'))

    assert b"<script>alert" not in answer.content
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_trying_out_needs_a_form_and_the_permission_to_edit(browser: Client, member: User) -> None:
    assert browser.get(f"{LIST}try/").status_code == 405
    member.user_permissions.clear()
    assert browser.post(f"{LIST}try/", form_of()).status_code == 403


# --- What came -----------------------------------------------------------------------------------------------------


def replay(browser: Client, *receipts: WebhookReceipt) -> str:
    chosen = [str(receipt.pk) for receipt in receipts]
    return told(browser.post(RECEIPTS, {"action": "replay_chosen", "_selected_action": chosen}, follow=True))


def test_a_refused_webhook_is_tried_out_and_replayed_once_the_mapping_is_mended(
    browser: Client, project: Project
) -> None:
    sender = sender_of(project)
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False):
        assert sender.send({"type": "signup", "data": {"person": "1"}}).status_code == 422
    receipt = WebhookReceipt.objects.get()

    page, listed = told(browser.get(f"{LIST}{sender.source.pk}/change/")), told(browser.get(LIST))
    said = tried(browser, vendor="standard", user_id="$.data.person", try_pick=f"receipt:{receipt.pk}")
    before = replay(browser, receipt)
    WebhookSource.objects.update(mapping={"eventType": "$.type", "userId": "$.data.person"})
    after = replay(browser, receipt)

    assert f"receipt:{receipt.pk}" in page
    assert "&refused__exact=1" in listed
    waiting = browser.get(f"{RECEIPTS}?source__id__exact={sender.source.pk}&refused__exact=1")
    assert waiting.status_code == 200
    assert '"userId": "1"' in said
    assert '"eventId": "standard:msg_1"' in said
    assert "Replayed: 1 refused." in before
    assert "Replayed: 1 stored." in after
    event = Event.objects.get()
    assert (event.event_id, event.occurred_at) == ("standard:msg_1", datetime(2026, 3, 1, 12, tzinfo=UTC))
    receipt.refresh_from_db()
    assert (receipt.outcome, receipt.refused, receipt.reason) == ("stored", False, "")
    assert "was there already" in replay(browser, receipt)


def test_a_payload_that_was_not_kept_whole_is_not_replayed(browser: Client, project: Project) -> None:
    sender_of(project).send({"type": "x", "padding": "y" * webhooks.MAX_KEPT_BYTES})
    receipt = WebhookReceipt.objects.get()

    assert (receipt.complete, len(receipt.payload)) == (False, webhooks.MAX_KEPT_BYTES)
    assert "1 too large to be kept whole" in replay(browser, receipt)
    assert "(cut off)" in told(browser.get(f"{RECEIPTS}{receipt.pk}/change/"))


def test_a_source_keeps_so_many_receipts_and_others_do_not_push_out_those_that_were_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "RECEIPTS_KEPT", 3)
    sender = sender_of(project, events_per_minute=None)
    sender.send({})
    for number in range(5):
        sender.send(call(number=number))

    assert WebhookReceipt.objects.filter(refused=True).count() == 1
    assert WebhookReceipt.objects.filter(refused=False).count() == 3


def test_receipts_are_forgotten_after_a_while_and_their_events_are_not(project: Project, settings: Settings) -> None:
    settings.WEBHOOK_DAYS = 14
    sender = sender_of(project)
    sender.send(call())
    WebhookReceipt.objects.update(received_at=datetime.now(UTC) - timedelta(days=14, minutes=1))
    sender.send(call())

    forget_receipts()

    assert WebhookReceipt.objects.get().outcome == "duplicate"
    assert Event.objects.count() == 1


def test_a_source_is_deleted_with_its_receipts_and_its_events_stay(browser: Client, project: Project) -> None:
    sender = sender_of(project)
    sender.send(call())

    browser.post(f"{LIST}{sender.source.pk}/delete/", {"post": "yes"})

    assert WebhookSource.objects.count() == WebhookReceipt.objects.count() == 0
    assert Event.objects.count() == 1
    assert sender.send(call()).status_code == 401


@pytest.mark.parametrize("page", [LIST, RECEIPTS])
def test_a_list_costs_the_same_at_any_size(
    browser: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries, page: str
) -> None:
    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            sender_of(project, slug=f"s{number}", name=f"S{number}").send(call())

    fill(0, 2)
    browser.get(page)
    with django_assert_num_queries(8 if page == LIST else 7):
        browser.get(page)
    fill(2, 9)
    with django_assert_num_queries(8 if page == LIST else 7):
        browser.get(page)


# --- Whose they are ------------------------------------------------------------------------------------------------


@pytest.fixture
def strangers() -> Sender:
    sender = sender_of(make_project("Strangers Ltd"), name="Secret Source", slug="secret-source")
    sender.send({"type": "secret", "data": {}})
    return sender


def test_a_strangers_source_and_what_came_to_it_are_not_shown(browser: Client, strangers: Sender) -> None:
    receipt = WebhookReceipt.objects.get()
    pages = [LIST, RECEIPTS, f"{LIST}add/", f"{LIST}?q=secret", f"{RECEIPTS}?source__id__exact={strangers.source.pk}",
             f"{LIST}{strangers.source.pk}/change/", f"{RECEIPTS}{receipt.pk}/change/"]  # fmt: skip

    for page in pages:
        said = told(browser.get(page, follow=True))
        assert "Secret Source" not in said
        assert "Strangers Ltd" not in said
        assert strangers.source.public_id not in said


def test_a_strangers_source_is_not_changed_and_its_payloads_not_tried_or_replayed(
    browser: Client, strangers: Sender
) -> None:
    receipt = WebhookReceipt.objects.get()
    WebhookSource.objects.update(mapping={"eventType": "$.type", "userId": "$.type"})

    browser.post(f"{LIST}{strangers.source.pk}/change/", form_of("standard", name="Mine now"))
    said = tried(browser, vendor="standard", try_pick=f"receipt:{receipt.pk}")
    replay(browser, receipt)
    assert webhooks.replay([], [receipt.pk], now=datetime.now(UTC)) == []
    made = browser.post(f"{LIST}add/", form_of("standard", project=strangers.source.project_id))

    assert "Paste a payload, or choose one." in said
    assert WebhookSource.objects.get().name == "Secret Source"
    assert made.status_code == 200
    assert Event.objects.count() == 0


def test_who_may_only_look_sees_the_mapping_and_no_form(browser: Client, member: User, project: Project) -> None:
    source = make_source(project, "stripe", former_secret="former secret")
    member.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))

    said = told(browser.get(f"{LIST}{source.pk}/change/"))

    assert json.dumps("$.data.object.amount_total") in said
    assert "Try it out" not in said
    assert source.secret not in said
    assert "former secret" not in said
