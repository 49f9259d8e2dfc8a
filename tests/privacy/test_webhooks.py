"""Webhooks of other systems: nothing stays of somebody who was erased, nor of somebody nothing is stored of."""

from dataclasses import replace
from functools import partial

import pytest
from django.utils import timezone

from ingest.core.identity import Name
from ingest.models import Erasure, Event, Project, WebhookReceipt
from ingest.services.erasures import erase
from ingest.services.suppressions import suppress
from ingest.services.webhooks import replay
from tests.builders import caller_of, make_project
from tests.privacy.build import found_in_database
from tests.webhooks.build import call, sender_of, sign_standard

pytestmark = pytest.mark.django_db

GRACE = Name("user_id", "grace-1")


@pytest.fixture
def project() -> Project:
    return make_project()


def test_receipts_of_an_erased_person_go_and_others_stay(project: Project) -> None:
    sender = sender_of(project)
    for number, payload in enumerate(
        [
            call(data={"user_id": "grace-1", "note": "cobol"}),
            {"type": "not mapped", "about": {"id": "GRACE-1", "note": "cobol"}},
            call(data={"user_id": "ada"}),
        ]
    ):
        replace(sender, signer=partial(sign_standard, webhook_id=f"m{number}")).send(payload)
    lead_id = Event.objects.filter(lead__identifiers__value="grace-1").values_list("lead", flat=True).get()
    assert WebhookReceipt.objects.count() == 3
    assert lead_id is not None

    erase(project.pk, lead_id, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now())

    assert found_in_database(("grace-1", "cobol")) == []
    assert WebhookReceipt.objects.count() == 1


def test_a_webhook_about_a_suppressed_person_is_taken_and_nothing_of_it_is_kept(project: Project) -> None:
    suppress(project.pk, GRACE, reason="", by="dana", now=timezone.now())

    answer = sender_of(project).send(call(data={"user_id": "grace-1"}))

    assert answer.status_code == 202, "an error would have the vendor send it again for days"
    assert answer.json()["accepted"] == 0
    assert [found["code"] for found in answer.json()["rejected"]] == ["suppressed"]
    assert not Event.objects.exists()
    receipt = WebhookReceipt.objects.get()
    assert (receipt.payload, receipt.refused, receipt.outcome) == ("", False, "ignored")
    assert found_in_database(("grace-1",)) == []


def test_a_receipt_that_is_replayed_loses_what_it_says_of_a_suppressed_person(project: Project) -> None:
    sender_of(project).send(call(data={"user_id": "grace-1"}))
    receipt = WebhookReceipt.objects.get()
    lead_id = Event.objects.get().lead_id
    assert lead_id is not None
    erase(project.pk, lead_id, cause=Erasure.Cause.REQUEST, by="dana", now=timezone.now())
    receipt.event_id = ""
    receipt.save(force_insert=True)  # as if it had been read before the erasure

    (received,) = replay([project.pk], [receipt.pk], now=timezone.now())

    assert received is not None
    assert received.stored == 0
    assert found_in_database(("grace-1",)) == []
    assert caller_of(project).get("/api/leads").json()["results"] == []
