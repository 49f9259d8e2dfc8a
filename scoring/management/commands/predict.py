"""`manage.py predict`: say which rules of a project foretell an outcome."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ingest.models import Lead
from scoring.core.prediction.words import text_of
from scoring.management.projects import project_named
from scoring.selectors import primary_scorecard
from scoring.services.prediction import predict, refusal


class Command(BaseCommand):
    help = "Say how well the rules and the score of a project predict an outcome event. It only reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="The project, by id or name.")
        parser.add_argument("--outcome", required=True, help="The event type to predict, such as contract_signed.")
        parser.add_argument("--scorecard", help="The scorecard; the primary one if left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        scorecard = options["scorecard"] or primary_scorecard(project.pk).name
        refused = refusal(project.pk, scorecard=scorecard, outcome=options["outcome"])
        if refused:
            raise CommandError(refused.reason)
        total = Lead.objects.filter(project=project, merged_into=None).count()
        with tqdm(total=total, unit=" leads", disable=not sys.stderr.isatty()) as bar:
            report = predict(
                project.pk,
                scorecard=scorecard,
                outcome=options["outcome"],
                now=timezone.now(),
                progress=lambda done: bar.update(done - bar.n),
            )
        self.stdout.write(text_of(report))
