"""A webhook is signed, retried, given up visibly, replayed, and obeys the receiver."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import connections, transaction
from django.utils import timezone
from standardwebhooks import Webhook

from automation import outgoing
from automation.core.backoff import MOST_ATTEMPTS
from automation.core.outcomes import Outcome
from automation.errands import Errand, errand_of
from automation.models import Action, Delivery, Run
from automation.services.deliveries import LEASE, deliver_due, replay
from automation.services.runs import record_runs
from ingest.models import Erasure
from ingest.services.erasures import erase
from tests.automation.builders import make_due, only_delivery, outcome_of_getting_hot
from tests.automation.servers import Receiver
from tests.builders import make_lead

pytestmark = pytest.mark.django_db


def test_it_is_signed_so_that_the_receiver_can_verify_it(receiver: Receiver) -> None:
    make_due({"kind": "webhook", "url": receiver.url})

    deliver_due(seconds=30)

    (request,) = receiver.received
    Webhook(Action.objects.get().secret).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == str(only_delivery().pk)
    assert request.headers["content-type"] == "application/json"
    assert only_delivery().status == "delivered"
    assert only_delivery().detail == "Answered 200 OK."


def test_both_secrets_sign_while_one_replaces_the_other(receiver: Receiver) -> None:
    old, new = "whsec_" + "b2xk" * 10, "whsec_" + "bmV3" * 10
    make_due({"kind": "webhook", "url": receiver.url, "secret": f"{old} {new}"})

    deliver_due(seconds=30)

    (request,) = receiver.received
    Webhook(old).verify(request.body, request.headers)
    Webhook(new).verify(request.body, request.headers)


def test_it_says_who_what_and_why(receiver: Receiver) -> None:
    lead = make_due({"kind": "webhook", "url": receiver.url})

    deliver_due(seconds=30)

    body = json.loads(receiver.received[0].body)
    assert body["type"] == "lead.stage_changed"
    assert body["timestamp"] == "2026-03-01T12:00:00Z"
    assert body["data"]["project"] == {"id": str(lead.project_id), "name": "Acme"}
    assert body["data"]["automation"]["name"] == "Hot lead"
    assert (body["data"]["lead"]["id"], body["data"]["lead"]["email"]) == (str(lead.pk), "ada@example.com")
    assert body["data"]["event"]["eventType"] == "demo_request"
    assert body["data"]["stage"] == {"from": "cold", "to": "hot"}
    assert body["data"]["score"] == {"from": 5, "to": 55}


def test_a_failure_is_tried_again_on_schedule_under_the_same_id(receiver: Receiver) -> None:
    receiver.status, receiver.body = 500, b"out of order\x00"
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_due({"kind": "webhook", "url": receiver.url})

        assert deliver_due(seconds=30) == 1
        assert only_delivery().detail == "Answered 500 Internal Server Error: out of order"
        assert deliver_due(seconds=30) == 0

        clock.shift(timedelta(seconds=6))
        receiver.status = 204
        assert deliver_due(seconds=30) == 1

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (only_delivery().status, only_delivery().attempts) == ("delivered", 2)


def test_after_the_last_attempt_it_has_failed_and_can_be_replayed(receiver: Receiver) -> None:
    receiver.status = 503
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_due({"kind": "webhook", "url": receiver.url})
        for _ in range(MOST_ATTEMPTS):
            deliver_due(seconds=30)
            clock.shift(timedelta(days=2))

        failed = only_delivery()
        assert failed.status == "failed"
        assert failed.detail == "Given up after 10 attempts. Answered 503 Service Unavailable: ok"
        assert (len(receiver.received), deliver_due(seconds=30)) == (10, 0)

        receiver.status = 200
        assert replay([failed.pk]) == 1
        deliver_due(seconds=30)

    assert only_delivery().status == "delivered"
    assert receiver.received[-1].headers["webhook-id"] == str(failed.pk)


def test_what_was_delivered_is_not_replayed(receiver: Receiver) -> None:
    make_due({"kind": "webhook", "url": receiver.url})
    deliver_due(seconds=30)

    assert replay([only_delivery().pk]) == 0


def test_410_switches_the_action_off(receiver: Receiver) -> None:
    receiver.status = 410
    lead = make_due({"kind": "webhook", "url": receiver.url})

    deliver_due(seconds=30)

    assert only_delivery().status == "failed"
    assert "this action was switched off" in only_delivery().detail
    action = Action.objects.get()
    assert (action.active, "410 Gone" in action.disabled_because) == (False, True)
    record_runs([outcome_of_getting_hot(make_lead(lead.project))])
    assert (Run.objects.count(), Delivery.objects.count()) == (2, 1)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": "/elsewhere"}
    make_due({"kind": "webhook", "url": receiver.url})

    deliver_due(seconds=30)

    assert [request.path for request in receiver.received] == ["/hook"]
    assert only_delivery().status == "pending"
    assert only_delivery().detail == "Answered 302 Found: redirects are not followed. Enter the final URL."


def test_a_server_that_dribbles_is_cut_off_at_the_deadline(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_SECONDS", 0.5)
    receiver.drip_seconds = 0.05
    make_due({"kind": "webhook", "url": receiver.url})

    deliver_due(seconds=30)

    assert only_delivery().detail == "127.0.0.1 did not answer in time."


def test_a_huge_answer_is_read_no_further_than_the_limit(receiver: Receiver) -> None:
    receiver.body = b"x" * 50_000_000

    reply = outgoing.post(receiver.url, b"{}", headers={})

    assert (reply.status, len(reply.body)) == (200, 64 * 1024)


def test_an_endpoint_that_is_away_is_asked_once_a_minute_however_much_waits_for_it(receiver: Receiver) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        lead = make_due({"kind": "webhook", "url": "http://127.0.0.1:1025/"}, {"kind": "slack", "url": receiver.url})
        record_runs([outcome_of_getting_hot(make_lead(lead.project)) for _ in range(3)])
        away = Delivery.objects.filter(kind="webhook")

        deliver_due(seconds=30)

        assert away.get(attempts=1).detail.startswith("127.0.0.1 could not be reached: ")
        assert set(away.filter(attempts=0).values_list("detail", flat=True)) == {
            "Put off: the same endpoint did not answer another delivery."
        }
        assert set(Delivery.objects.filter(kind="slack").values_list("status", flat=True)) == {"delivered"}

        clock.shift(timedelta(seconds=61))
        assert deliver_due(seconds=30) == 1


def test_an_internal_address_fails_at_once_with_the_reason() -> None:
    make_due({"kind": "webhook", "url": "http://127.0.0.1:9000/"})

    deliver_due(seconds=30)

    assert only_delivery().status == "failed"
    assert only_delivery().detail.startswith("127.0.0.1 is not called, because 127.0.0.1 is a loopback address.")


def test_a_worker_that_died_leaves_a_lease_that_runs_out(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        make_due({"kind": "webhook", "url": receiver.url})
        with monkeypatch.context() as patch:
            patch.setattr(outgoing, "post", _die)
            with pytest.raises(SystemExit):
                deliver_due(seconds=30)
        assert deliver_due(seconds=30) == 0

        clock.shift(LEASE + timedelta(seconds=1))
        assert deliver_due(seconds=30) == 1

    assert (only_delivery().status, only_delivery().attempts) == ("delivered", 2)


def _die(*_: object, **__: object) -> None:
    raise SystemExit


def test_a_delivery_whose_action_is_gone_says_so(receiver: Receiver) -> None:
    make_due({"kind": "webhook", "url": receiver.url})
    Action.objects.all().delete()

    deliver_due(seconds=30)

    assert (only_delivery().status, only_delivery().detail) == ("failed", "The action was deleted.")


def test_a_lead_erased_after_its_delivery_was_claimed_does_not_stop_the_others(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = make_due({"kind": "webhook", "url": receiver.url})
    other = make_lead(lead.project)
    record_runs([outcome_of_getting_hot(other)])

    def erase_and_find(delivery_id: UUID) -> Errand | Outcome:
        erase(lead.project_id, lead.pk, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now())
        return errand_of(delivery_id)

    monkeypatch.setattr("automation.services.deliveries.errand_of", erase_and_find)

    deliver_due(seconds=30)

    assert only_delivery().status == "delivered"
    assert only_delivery().run.lead == other


def test_a_second_deliverer_leaves_alone_what_the_first_has_claimed_or_settled(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = make_due({"kind": "webhook", "url": receiver.url})
    record_runs([outcome_of_getting_hot(make_lead(lead.project)) for _ in range(5)])
    post = outgoing.post

    def post_while_another_delivers(url: str, body: bytes, *, headers: Mapping[str, str]) -> outgoing.Reply:
        monkeypatch.setattr(outgoing, "post", post)
        assert deliver_due(seconds=30) == 5
        return post(url, body, headers=headers)

    monkeypatch.setattr(outgoing, "post", post_while_another_delivers)

    assert deliver_due(seconds=30) == 1
    assert_each_was_delivered_once(receiver, 6)


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_deliver_once(receiver: Receiver) -> None:
    with transaction.atomic():
        lead = make_due({"kind": "webhook", "url": receiver.url})
        record_runs([outcome_of_getting_hot(make_lead(lead.project)) for _ in range(20)])
    start = threading.Barrier(2)

    def deliver() -> None:
        start.wait()
        deliver_due(seconds=30)
        connections.close_all()

    workers = [threading.Thread(target=deliver) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert_each_was_delivered_once(receiver, 21)


def assert_each_was_delivered_once(receiver: Receiver, count: int) -> None:
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert (len(ids), len(set(ids))) == (count, count)
    assert set(Delivery.objects.values_list("status", "attempts")) == {("delivered", 1)}
