"""`manage.py explain LEAD`: why a lead has the score it has, in words, now or at another moment."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ingest.core.events import parse_moment
from ingest.models import Lead
from ingest.selectors import leads_named
from scoring.core.explain import Explanation
from scoring.core.points import in_words
from scoring.insight import explanation_of
from scoring.past import Moment
from scoring.selectors import scorecard_names


class Command(BaseCommand):
    help = "Say why a lead has the score it has: contributions that sum to it, what was refused, and what is next."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("lead", help="Its id, e-mail, user id or anonymous id.")
        parser.add_argument("--as-of", help="At this time, such as 2026-01-31T10:00:00Z; it may lie ahead.")
        parser.add_argument("--known-at", help="With the events received and the rules published by this time.")
        parser.add_argument("--scorecard", help="By default the primary one.")

    def handle(self, *args: Any, **options: Any) -> None:
        lead = _lead(options["lead"])
        names = scorecard_names(lead.project_id)
        if options["scorecard"] not in (None, *names):
            raise CommandError(f"The project of {lead} has these scorecards: {', '.join(names)}.")
        moment = Moment(
            now=timezone.now(),
            as_of=_time("--as-of", options["as_of"]),
            known_at=_time("--known-at", options["known_at"]),
        )
        self._tell(lead, moment, explanation_of(lead, moment, scorecard=options["scorecard"]))

    def _tell(self, lead: Lead, moment: Moment, told: Explanation) -> None:
        self.stdout.write(f"{lead} · {told.scorecard} · as of {moment.time:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write(f"{in_words(told.score)} points, {told.stage}\n")
        for part in told.contributions:
            self.stdout.write(f"  {part.sentence}")
        if not told.contributions:
            self.stdout.write("  Nothing has counted yet.")
        self.stdout.write(f"  = {in_words(told.score)}")
        for title, sentences in (("Refused", [refusal.sentence for refusal in told.refused]), ("Next", told.next)):
            if sentences:
                self.stdout.write(f"\n{title}")
            for sentence in sentences:
                self.stdout.write(f"  {sentence}")


def _lead(name: str) -> Lead:
    found = leads_named(name)
    if not found:
        raise CommandError(f"No lead has the id, e-mail, user id or anonymous id “{name}”.")
    if len(found) > 1:
        ids = "\n".join(f"  {lead.pk}  {lead} of {lead.project}" for lead in found)
        raise CommandError(f"Several leads are called “{name}”. Name one by its id:\n{ids}")
    return found[0]


def _time(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError as error:
        raise CommandError(f"{option} {error}.") from None
