"""Send an e-mail to named addresses or to the lead's owner."""

import smtplib
from dataclasses import asdict

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from automation.core.outcomes import Outcome, Verdict
from automation.core.placeholders import fill, one_line
from automation.errands import Errand

SMTP_SECONDS = 15  # for each step of the conversation
DEFAULT_SUBJECT = "{lead} is {stage} ({score} points)"
DEFAULT_MESSAGE = "{lead} is {stage} with {score} points, after {event}.\n\n{url}\n"


def send(errand: Errand) -> Outcome:
    """Send the e-mail. Its Message-ID is the delivery's, so a mail system can tell a repetition."""
    recipients = errand.recipients or ((errand.owner.email,) if errand.owner and errand.owner.email else ())
    if not recipients:
        return Outcome(verdict=Verdict.RETRY, detail=_nobody(errand))
    for recipient in recipients:
        try:
            validate_email(recipient)
        except ValidationError:
            return Outcome(verdict=Verdict.FAILED, detail=f"“{one_line(recipient)}” is not an e-mail address.")
    # A lead's name is one line, whatever it holds: a second one would be a sentence in our name.
    values = {name: one_line(value, limit=len(value)) for name, value in asdict(errand.values).items()}
    message = EmailMessage(
        subject=one_line(fill(errand.subject or DEFAULT_SUBJECT, values)),
        body=fill(errand.message or DEFAULT_MESSAGE, values),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=list(recipients),
        headers={"Message-ID": f"<{errand.delivery_id}@leadscore>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=SMTP_SECONDS),
    )
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        return Outcome(verdict=Verdict.RETRY, detail=f"The mail server refused {', '.join(error.recipients)}.")
    except smtplib.SMTPResponseException as error:
        reason = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return Outcome(verdict=Verdict.RETRY, detail=one_line(f"The mail server answered {error.smtp_code}: {reason}"))
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(
            verdict=Verdict.RETRY,
            detail=one_line(f"The mail server could not be reached: {error}."),
            unreachable=True,
        )
    return Outcome(verdict=Verdict.DELIVERED, detail=f"Sent to {', '.join(recipients)}.")


def _nobody(errand: Errand) -> str:
    if errand.owner is None:
        return "The action names no recipients and the lead has no owner."
    return f"The action names no recipients and the lead's owner, {errand.owner.name}, has no e-mail address."
