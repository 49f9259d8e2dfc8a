"""A project whose leads are made so that one rule truly foretells the outcome and another does not."""

from datetime import UTC, datetime, timedelta
from random import Random

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Project
from ingest.services import events, projects
from ingest.slots import SLOTS
from scoring.services.drain import drain

OUTCOME = "contract_signed"
START = datetime(2026, 1, 1, 9, tzinfo=UTC)
NOW = START + timedelta(days=90)


def make_project(name: str = "Acme") -> Project:
    return projects.create_project(name, now=NOW)


def happened(who: str, event_type: str, day: float) -> IncomingEvent:
    return IncomingEvent(
        event_type=event_type,
        event_id=f"{who}-{event_type}-{day}",
        names=(Name("email", f"{who}@example.com"),),
        timestamp=START + timedelta(days=day),
    )


def store(project: Project, happenings: list[IncomingEvent]) -> None:
    """Store events and score them, as the workers would."""
    for first in range(0, len(happenings), 1_000):
        stored = events.record(project.pk, happenings[first : first + 1_000], now=NOW)
        assert all(isinstance(one, events.Recorded) for one in stored), stored
    while drain(range(SLOTS), now=NOW):
        pass


def fill(project: Project, *, leads: int, seed: int = 1) -> None:
    """Make leads of whom every other asks for a demo and every other opens a mail, by chance.

    Of those with a demo three in five sign, of the others one in ten; the mail makes no difference. Whoever signs opens
    mails and asks for demos afterwards, which must not count.
    """
    dice = Random(seed)
    happenings = []
    for number in range(leads):
        who = f"lead{number}"
        wants_demo, reads_mail = dice.random() < 0.5, dice.random() < 0.5
        happenings += [happened(who, "page_view", day) for day in range(dice.randint(1, 4))]
        if wants_demo:
            happenings.append(happened(who, "demo_request", 5))
        if reads_mail:
            happenings.append(happened(who, "email_open", 6))
        if dice.random() < (0.6 if wants_demo else 0.1):
            happenings.append(happened(who, OUTCOME, 10))
            happenings += [happened(who, "email_open", 11), happened(who, "demo_request", 12)]
    store(project, happenings)
