"""A Slack message shows what leads write literally."""

import json

import pytest

from automation.services.deliveries import deliver_due
from tests.automation.builders import make_due, only_delivery
from tests.automation.servers import Receiver

pytestmark = pytest.mark.django_db


def test_it_posts_text_with_its_placeholders_filled(receiver: Receiver) -> None:
    make_due({"kind": "slack", "url": receiver.url, "message": "<!here> *{lead}* went {old_stage} → {stage}"})

    deliver_due(seconds=30)

    assert json.loads(receiver.received[0].body) == {"text": "<!here> *Ada Lovelace* went cold → hot"}
    assert only_delivery().status == "delivered"


def test_a_lead_cannot_call_the_channel_or_disguise_a_link(receiver: Receiver) -> None:
    make_due(
        {"kind": "slack", "url": receiver.url, "message": "{lead} {company}"},
        lead_values={"name": "<!channel>", "company": "<https://evil.example|A&B>"},
    )

    deliver_due(seconds=30)

    assert json.loads(receiver.received[0].body) == {"text": "&lt;!channel&gt; &lt;https://evil.example|A&amp;B&gt;"}


def test_a_lead_calls_nobody_in_the_chats_that_take_a_bare_name_for_a_call(receiver: Receiver) -> None:
    make_due(
        {"kind": "slack", "url": receiver.url, "message": "@sales: {lead} {email} {company}"},
        lead_values={"name": "@everyone", "email": "ada@example.com", "company": "(@here)\nPay: @all"},
    )

    deliver_due(seconds=30)

    assert json.loads(receiver.received[0].body) == {
        "text": "@sales: @\u2060everyone ada@example.com (@\u2060here) Pay: @\u2060all"
    }


def test_what_slack_complains_of_is_told(receiver: Receiver) -> None:
    receiver.status, receiver.body = 400, b"invalid_payload"
    make_due({"kind": "slack", "url": receiver.url})

    deliver_due(seconds=30)

    assert only_delivery().detail == "Answered 400 Bad Request: invalid_payload"
