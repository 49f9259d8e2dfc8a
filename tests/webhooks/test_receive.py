"""`POST /api/webhooks/{source}`: signed webhooks of other systems become events, once each."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ingest.core.vendors import VENDORS
from ingest.models import Event, Identifier, Lead, WebhookReceipt, WebhookSource
from scoring.models import LeadScore
from tests.builders import Caller, drain_all, make_project, problem_of
from tests.webhooks.build import Sender, call, make_source, sender_of, sign_standard

pytestmark = pytest.mark.django_db

EXPECTED: dict[str, dict[str, Any]] = {
    "stripe": {
        "event_id": "stripe:evt_1QsrCT2NivGZCNxWhVzO7bqP",
        "event_type": "contract_signed",
        "properties": {"amount": 49000, "currency": "usd", "mode": "subscription", "customer": "cus_SbGYl34MpG4nv5"},
    },
    "calendly": {
        "event_type": "demo_request",
        "properties": {
            "meeting": "30 Minute Demo",
            "startTime": "2026-03-05T15:00:00.000000Z",
            "rescheduled": False,
            "utmSource": "newsletter",
            "utmCampaign": "spring",
        },
    },
    "typeform": {
        "event_id": "typeform:a3a12ec67a1365927098a606107fac15",
        "event_type": "form_submit",
        "properties": {"form": "Talk to us", "seats": 40, "today": "A spreadsheet", "score": 9},
    },
    "standard": {"event_id": "standard:msg_1", "event_type": "contract_signed", "properties": {"plan": "team"}},
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_webhook_becomes_an_event_and_scores_and_a_redelivery_changes_nothing(vendor: str) -> None:
    sender = sender_of(make_project(), vendor)
    payload = VENDORS[vendor].payload.encode()

    first, again = sender.send(payload), sender.send(payload, slash="/")
    drain_all()

    assert (first.status_code, first.json()["status"]) == (202, "queued")
    assert (again.status_code, again.json()["status"]) == (202, "duplicate")
    event = Event.objects.get()
    assert {name: getattr(event, name) for name in EXPECTED[vendor]} == EXPECTED[vendor]
    assert event.occurred_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert event.context == {"source": vendor}
    lead = Lead.objects.get()
    assert (lead.name, lead.email) == ("Ada Lovelace", "ada@example.com")
    assert LeadScore.objects.get(lead=lead).score > 0
    assert list(WebhookReceipt.objects.order_by("id").values_list("outcome", "event_id")) == [
        ("stored", event.event_id),
        ("duplicate", event.event_id),
    ]


def test_a_redelivery_that_is_written_differently_is_the_same_event() -> None:
    sender = sender_of(make_project(), "calendly")
    payload = json.loads(VENDORS["calendly"].payload)

    sender.send(json.dumps(payload, indent=8).encode())
    again = sender.send(json.dumps(dict(reversed(payload.items()))).encode())

    assert again.json()["status"] == "duplicate"


def test_a_webhook_takes_the_same_few_queries_however_many_came_before(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sender = sender_of(make_project(), events_per_minute=None)
    for number in range(5):
        sender.send(call(number=number))

    with django_assert_num_queries(8):
        assert sender.send(call()).json()["status"] == "duplicate"


def test_two_sources_of_a_project_may_use_the_same_ids() -> None:
    project = make_project()

    for name in ("one", "two"):
        assert sender_of(project, slug=name).send(call()).json()["status"] == "queued"

    assert set(Event.objects.values_list("event_id", flat=True)) == {"one:msg_1", "two:msg_1"}


def test_events_of_a_source_belong_to_its_project_alone() -> None:
    mine, theirs = make_project("Mine"), make_project("Theirs")
    sender_of(mine).send(call())
    sender_of(theirs).send(call())

    assert Lead.objects.filter(project=mine).count() == Lead.objects.filter(project=theirs).count() == 1
    assert Identifier.objects.filter(project=mine).get().lead.project_id == mine.pk


# --- Who sends -----------------------------------------------------------------------------------------------------


def refusal(sender: Sender, path: str | None = None, **headers: str) -> bytes:
    body = json.dumps(call()).encode()
    answer = sender.client.generic("POST", path or sender.path, body, "application/json", headers=headers)
    assert answer.status_code == 401
    assert problem_of(answer)["code"] == "unverified"
    assert "WWW-Authenticate" in answer.headers
    return bytes(answer.content)


def test_an_unknown_source_an_inactive_one_and_a_wrong_signature_answer_alike() -> None:
    sender = sender_of(make_project())
    inactive = sender_of(make_project(), active=False)
    body = json.dumps(call()).encode()
    now = datetime.now(UTC)
    right = dict(sign_standard(sender.source.secret, body, now))
    wrong = dict(sign_standard("whsec_" + "B" * 44, body, now))

    answers = {
        refusal(sender),
        refusal(sender, **wrong),
        refusal(sender, "/api/webhooks/wh_" + "0" * 32, **right),
        refusal(sender, "/api/webhooks/é", **right),
        refusal(inactive),
        refusal(inactive, **right),
    }

    assert len(answers) == 1
    assert Event.objects.count() == WebhookReceipt.objects.count() == 0


def test_a_key_opens_no_source_and_the_address_alone_does_not_either() -> None:
    sender = sender_of(make_project())

    assert refusal(sender, Authorization="Bearer sk_123")


def test_a_signature_of_another_body_is_refused() -> None:
    sender = sender_of(make_project(), "stripe")
    signed = sender.signer(sender.source.secret, b"{}", datetime.now(UTC))

    assert sender.post(json.dumps(call()).encode(), signed).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
@pytest.mark.parametrize("vendor", ["stripe", "calendly", "standard"])
def test_an_old_webhook_and_one_from_the_future_are_refused(vendor: str, minutes: int) -> None:
    sender = sender_of(make_project(), vendor)
    body = VENDORS[vendor].payload.encode()

    signed = sender.signer(sender.source.secret, body, datetime.now(UTC) + timedelta(minutes=minutes))

    assert sender.post(body, signed).status_code == 401
    assert "300 are allowed" in WebhookSource.objects.get().refused_because


def test_while_a_secret_is_changed_both_are_good() -> None:
    sender = sender_of(make_project(), former_secret="whsec_" + "B" * 44)
    body = json.dumps(call()).encode()

    former = sign_standard("whsec_" + "B" * 44, body, datetime.now(UTC))

    assert sender.post(body, former).status_code == 202
    assert sender.send(call()).json()["status"] == "duplicate"


def test_why_a_request_was_not_taken_is_told_to_the_operator_at_most_once_a_minute() -> None:
    sender = sender_of(make_project(), "stripe")
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        refusal(sender)
        clock.shift(30)
        refusal(sender, **{"Stripe-Signature": "nonsense"})
        kept = WebhookSource.objects.get()
        clock.shift(31)
        refusal(sender, **{"Stripe-Signature": "nonsense"})

    assert (kept.refused_because, kept.refused_at) == (
        "The header Stripe-Signature is missing.",
        datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    assert "is not written as t={timestamp},v1={signature}" in WebhookSource.objects.get().refused_because


def test_a_secret_is_neither_logged_nor_printed(capfd: pytest.CaptureFixture[str]) -> None:
    sender = sender_of(make_project())

    sender.send(call(data={}))
    refusal(sender)

    out, err = capfd.readouterr()
    assert sender.source.secret.removeprefix("whsec_") not in out + err


# --- What is sent --------------------------------------------------------------------------------------------------


def test_what_is_no_json_is_refused_with_a_pointer_and_kept() -> None:
    answer = sender_of(make_project()).send(b'{"type": ')

    assert answer.status_code == 400
    assert problem_of(answer)["code"] == "invalid_json"
    assert problem_of(answer)["errors"][0]["pointer"] == ""
    assert WebhookReceipt.objects.get().outcome == "refused"


def test_what_the_mapping_cannot_read_is_refused_with_a_pointer_and_kept() -> None:
    answer = sender_of(make_project()).send({"type": "signup", "data": {}})

    assert answer.status_code == 422
    assert problem_of(answer)["code"] == "not_mapped"
    assert "whose event is it?" in problem_of(answer)["detail"]
    receipt = WebhookReceipt.objects.get()
    assert (receipt.outcome, receipt.refused, receipt.webhook_id) == ("refused", True, "msg_1")
    assert "whose event is it?" in receipt.reason
    assert json.loads(receipt.payload) == {"type": "signup", "data": {}}


def test_what_the_filter_leaves_out_is_taken_and_ignored() -> None:
    sender = sender_of(make_project(), "stripe")

    answer = sender.send({"id": "evt_1", "type": "charge.refunded", "data": {"object": {}}})

    assert (answer.status_code, answer.json()["status"], answer.json()["ignored"]) == (202, "ignored", 1)
    assert Event.objects.count() == 0
    assert "charge.refunded" in WebhookReceipt.objects.get().reason


def test_a_payload_of_several_events_stores_the_good_ones_and_names_the_others() -> None:
    mapping = {"items": "$.events[*]", "eventType": "$.type", "userId": "$.user", "when": [{"path": "$.type"}]}
    sender = sender_of(make_project(), mapping=mapping)
    items = [{"type": "a", "user": "1"}, {"type": "b"}, {"user": "1"}, {"type": "c", "user": 2}]

    answer = sender.send({"events": items})

    body = answer.json()
    assert (answer.status_code, body["accepted"], body["ignored"]) == (202, 2, 1)
    assert [(found["index"], found["code"]) for found in body["rejected"]] == [(1, "not_mapped")]
    assert set(Event.objects.values_list("event_id", flat=True)) == {"standard:msg_1/0", "standard:msg_1/3"}
    assert WebhookReceipt.objects.get().refused


def test_too_large_a_body_is_413_whoever_sends_it() -> None:
    sender = sender_of(make_project())
    large = b'"' + b"x" * (1024 * 1024) + b'"'

    assert sender.send(large).status_code == 413
    assert sender.post(large, {}).status_code == 413
    assert Client().post("/api/webhooks/nobody", large, content_type="application/json").status_code == 413


def test_too_many_values_are_413() -> None:
    assert sender_of(make_project()).send({"a": [0] * 10_001}).status_code == 413


def test_a_gzipped_body_is_unpacked_but_not_beyond_the_limit() -> None:
    sender = sender_of(make_project())
    body = json.dumps(call()).encode()
    signed = sign_standard(sender.source.secret, body, datetime.now(UTC))

    assert sender.post(gzip.compress(body), {**signed, "Content-Encoding": "gzip"}).status_code == 202
    assert sender.post(gzip.compress(b" " * 10**8), {**signed, "Content-Encoding": "gzip"}).status_code == 413
    assert sender.post(body, {**signed, "Content-Encoding": "br"}).status_code == 415


def test_a_source_sends_no_more_than_its_limit_and_hears_when_it_may_again() -> None:
    sender = sender_of(make_project(), events_per_minute=2)

    answers = [sender.send(call()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["Retry-After"]) >= 1
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=2;w=60'
    assert problem_of(answers[2])["code"] == "rate_limited"


def test_strangers_do_not_use_up_a_sources_limit() -> None:
    sender = sender_of(make_project(), events_per_minute=1)
    for _ in range(3):
        refusal(sender)

    assert sender.send(call()).status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_is_answered(method: str) -> None:
    assert Caller().call(method, f"/api/webhooks/{make_source(make_project()).public_id}").status_code == 405
