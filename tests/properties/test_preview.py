"""The law of previews: what a preview says is what publishing from always and rescoring then does."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Lead, Project
from ingest.services import events, projects
from ingest.slots import SLOTS
from scoring import selectors
from scoring.core.preview import Tally
from scoring.core.ruleset import dump_ruleset, parse_ruleset
from scoring.models import LeadScore, Walk
from scoring.services import walks
from scoring.services.draft import replace_draft
from scoring.services.drain import drain
from scoring.services.publication import publish_draft
from scoring.services.rescore import batches
from scoring.services.rulesets import Published
from scoring.services.verification import verify_leads

START = datetime(2026, 1, 5, tzinfo=UTC)
TYPES = ["view", "click", "leave"]

stages = st.lists(st.integers(1, 60), unique=True, max_size=3).map(
    lambda mins: [{"name": "low", "min": 0}, *({"name": f"s{least}", "min": least} for least in sorted(mins))]
)
rules = st.lists(
    st.tuples(st.sampled_from(TYPES), st.integers(-3000, 6000).map(lambda points: points / 100)), max_size=4
).map(
    lambda pairs: [
        {"name": f"R{index}", "event": event_type, "points": points} for index, (event_type, points) in enumerate(pairs)
    ]
)
rulesets = st.fixed_dictionaries(
    {"name": st.sampled_from(["Engagement", "Interest"]), "cap": st.sampled_from([40, 10_000]), "stages": stages,
     "rules": rules}
).map(lambda card: {"scorecards": [card]})  # fmt: skip
logs = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(TYPES), st.integers(0, 99)), max_size=25)
laws = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # each example is a project of its own: shrinking would take for ever
    suppress_health_check=[HealthCheck.too_slow],
)


def walk_through(walk: Walk) -> Tally:
    for part in walk.parts.all():
        for _ in walks.steps(part.pk):
            pass
    walk.refresh_from_db()
    assert walk.status == Walk.Status.DONE
    return Tally.load(walk.result)


def score_all() -> None:
    while drain(range(SLOTS), now=timezone.now()):
        pass


def standings(project: Project) -> dict[str, tuple[Decimal, str]]:
    card = selectors.primary_scorecard(project.pk).name
    scores = LeadScore.objects.filter(project=project, scorecard=card)
    return {str(lead): (score, stage) for lead, score, stage in scores.values_list("lead", "score", "stage")}


class TestPreviewing(TestCase):
    @laws
    @given(rulesets, rulesets, logs)
    def test_a_preview_says_what_publishing_from_always_does(
        self, in_force: dict[str, Any], draft: dict[str, Any], log: list[tuple[int, str, int]]
    ) -> None:
        assume(dump_ruleset(parse_ruleset(draft)) != dump_ruleset(parse_ruleset(in_force)))  # else nothing to publish
        project = projects.create_project("Acme", now=timezone.now())
        self.put_in_force(project, in_force)
        happened = [
            IncomingEvent(event_type=kind, names=(Name("user_id", f"u{who}"),), timestamp=START + timedelta(hours=hour))
            for who, kind, hour in log
        ]
        events.record(project.pk, happened, now=timezone.now())
        score_all()
        before = standings(project)

        replace_draft(project.pk, parse_ruleset(draft))
        told = walk_through(walks.start_preview(project.pk, parse_ruleset(draft), by=None, now=timezone.now()))
        assert standings(project) == before
        done = self.put_in_force(project, draft)

        after = standings(project)
        if in_force["scorecards"][0]["name"] == draft["scorecards"][0]["name"]:
            assert told.dump()["matrix"] == done.dump()["matrix"]
            assert told.biggest_movers() == done.biggest_movers()
        assert told.leads == len(after)
        assert told.score_changes == sum(before[lead][0] != after[lead][0] for lead in after)
        assert told.stage_changes == sum(before[lead][1] != after[lead][1] for lead in after)
        for (old, new), cell in told.matrix.items():
            moved = {lead for lead in after if (before[lead][1], after[lead][1]) == (old, new)}
            assert cell.count == len(moved)
            assert set(cell.samples) <= moved
        assert {mover.lead_id for mover in told.movers} <= {lead for lead in after if before[lead] != after[lead]}
        assert [verify_leads(project.pk, leads) for leads in batches(project.pk)] in ([], [[]])

    def put_in_force(self, project: Project, tree: dict[str, Any]) -> Tally:
        replace_draft(project.pk, parse_ruleset(tree))
        published = publish_draft(project.pk, by=None, note="", applies_from=None, now=timezone.now())
        assert isinstance(published, Published)
        return walk_through(Walk.objects.filter(project=project, kind=Walk.Kind.RESCORE).latest("id"))

    def test_leads_counted_in_parts_count_as_the_whole(self) -> None:
        assert Lead.objects.count() == 0
        whole, parts = Tally(), [Tally() for _ in range(3)]
        for number in range(100):
            old, new = (Decimal(number % 7), "low"), (Decimal(number), "low" if number < 50 else "high")
            for tally in (whole, parts[number % 3]):
                tally.add(f"lead {number:03}", old=old, new=new, events=number)
        merged = Tally.load(parts[0].dump())
        for part in parts[1:]:
            merged.merge(Tally.load(part.dump()))

        found, expected = merged.dump(), whole.dump()
        for cell in [*found["matrix"], *expected["matrix"]]:
            assert len(cell.pop("samples")) == 8
        assert found == expected
