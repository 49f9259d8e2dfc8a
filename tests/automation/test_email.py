"""E-mail goes to whom it should, says what it should, and is not bent by what leads write of themselves."""

import email
import email.policy

import pytest
from pytest_django import Settings

from automation.services.deliveries import deliver_due
from tests.automation.builders import make_due, only_delivery
from tests.automation.servers import Mailbox
from tests.builders import make_member

pytestmark = pytest.mark.django_db
TO_SALES = {"kind": "email", "recipients": "sales@example.com, boss@example.com"}


def the_message(mailbox: Mailbox) -> email.message.EmailMessage:
    (envelope,) = mailbox.envelopes
    parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(parsed, email.message.EmailMessage)
    return parsed


def test_it_reaches_every_recipient_with_its_placeholders_filled(mailbox: Mailbox) -> None:
    lead = make_due({**TO_SALES, "subject": "{lead} is {stage}", "message": "{company}: {score} by {event}\n{url}"})

    deliver_due(seconds=30)

    assert mailbox.envelopes[0].rcpt_tos == ["sales@example.com", "boss@example.com"]
    message = the_message(mailbox)
    assert message["Subject"] == "Ada Lovelace is hot"
    assert message.get_content().splitlines() == [
        "Engines: 55 by demo_request",
        f"http://127.0.0.1:8000/p/{lead.project_id}/leads/{lead.pk}",
    ]
    assert only_delivery().detail == "Sent to sales@example.com, boss@example.com."


def test_its_message_id_is_the_deliverys(mailbox: Mailbox) -> None:
    make_due(TO_SALES)

    deliver_due(seconds=30)

    assert the_message(mailbox)["Message-ID"] == f"<{only_delivery().pk}@leadscore>"


@pytest.mark.parametrize(
    "name", ["Eve\r\nBcc: all@example.com", "Eve\nBcc: all@example.com", "Eve\x00\x0b\x85Bcc: a@b.c"]
)
def test_a_name_with_line_breaks_adds_no_header(mailbox: Mailbox, name: str) -> None:
    make_due({**TO_SALES, "subject": "{lead} is hot"}, lead_values={"name": name.replace("\x00", "")})

    deliver_due(seconds=30)

    assert the_message(mailbox)["Bcc"] is None
    assert the_message(mailbox)["Subject"].startswith("Eve")
    assert the_message(mailbox)["Subject"].endswith("is hot")
    assert mailbox.envelopes[0].rcpt_tos == ["sales@example.com", "boss@example.com"]


def test_a_name_with_line_breaks_adds_no_line_to_the_message(mailbox: Mailbox) -> None:
    make_due({**TO_SALES, "message": "{lead}\nis hot"}, lead_values={"name": "Eve\n\nPlease pay\u2028at once"})

    deliver_due(seconds=30)

    assert the_message(mailbox).get_content().splitlines() == ["Eve Please pay at once", "is hot"]


def test_a_placeholder_in_a_leads_name_is_not_filled_in(mailbox: Mailbox) -> None:
    make_due({**TO_SALES, "subject": "{lead}"}, lead_values={"name": "{email} {0.__class__} %s"})

    deliver_due(seconds=30)

    assert the_message(mailbox)["Subject"] == "{email} {0.__class__} %s"


def test_without_recipients_it_goes_to_the_leads_owner(mailbox: Mailbox) -> None:
    lead = make_due({"kind": "email"})
    lead.owner = make_member(lead.project, "grace")
    lead.save()

    deliver_due(seconds=30)

    assert mailbox.envelopes[0].rcpt_tos == ["grace@example.com"]


def test_without_recipients_and_owner_it_waits_and_says_so(mailbox: Mailbox) -> None:
    make_due({"kind": "email"})

    deliver_due(seconds=30)

    assert only_delivery().status == "pending"
    assert only_delivery().detail == "The action names no recipients and the lead has no owner."


def test_an_assignment_before_it_decides_who_gets_it(mailbox: Mailbox) -> None:
    lead = make_due({"kind": "assign"}, {"kind": "email"})
    make_member(lead.project, "grace")

    deliver_due(seconds=30)

    assert mailbox.envelopes[0].rcpt_tos == ["grace@example.com"]


def test_a_refusal_is_told_in_the_mail_servers_words(mailbox: Mailbox) -> None:
    mailbox.refuse = "451 Mailbox full"
    make_due(TO_SALES)

    deliver_due(seconds=30)

    assert only_delivery().status == "pending"
    assert only_delivery().detail == "The mail server answered 451: Mailbox full"


def test_a_mail_server_that_is_down_is_tried_again(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    make_due(TO_SALES)

    deliver_due(seconds=30)

    assert only_delivery().status == "pending"
    assert only_delivery().detail.startswith("The mail server could not be reached: ")
