"""The laws of who is who: whatever people are called, merged and separated, no event is lost or counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingest.core import profile
from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.models import Event, Identifier, Lead, Project
from ingest.selectors import members_of_leads
from ingest.services.events import Recorded, record
from ingest.services.merges import merge_leads, separate_leads
from scoring.models import LeadScore, Refold, ScoreEntry
from scoring.services.verification import verify_leads
from tests.builders import drain_all, make_project

pytestmark = pytest.mark.django_db

laws = settings(
    max_examples=30,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
START = datetime(2026, 3, 1, tzinfo=UTC)

NAMES = [
    *(Name("anonymous_id", value) for value in "vwxyz"),
    *(Name("user_id", value) for value in "abc"),
    *(Name("email", f"{value}@example.org") for value in "abc"),
    Name("external_id", "crm:1"),
    Name("user_id", "undefined"),
]


@dataclass(frozen=True)
class Send:
    """Send a request of events, each `(type, names, minute it happened)`."""

    events: tuple[tuple[str, tuple[Name, ...], int], ...]


@dataclass(frozen=True)
class Merge:
    """Merge two of the leads there are, by hand."""

    one: int
    other: int


@dataclass(frozen=True)
class Separate:
    """Separate two of the leads there are."""

    one: int
    other: int


Step = Send | Merge | Separate
_types = st.sampled_from(["page_view", "signup", "identify", "identify", "identify", "alias", "unsubscribe"])
_names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique_by=lambda name: name.kind).map(tuple)
_sends = st.lists(st.tuples(_types, _names, st.integers(0, 50)), min_size=1, max_size=4).map(
    lambda events: Send(tuple(events))
)
_indexes = st.integers(0, 12)
steps = st.lists(
    st.one_of(_sends, _sends, _sends, st.builds(Merge, _indexes, _indexes), st.builds(Separate, _indexes, _indexes)),
    min_size=2,
    max_size=14,
)


def incoming(step: Send, first: int) -> list[IncomingEvent]:
    return [
        IncomingEvent(
            event_type=event_type,
            event_id=f"e{first + place}",
            names=names,
            timestamp=START + timedelta(minutes=minute),
            traits={"name": f"N{minute}", f"t{minute % 3}": first} if event_type == "identify" else {},
        )
        for place, (event_type, names, minute) in enumerate(step.events)
    ]


def carry_out(project: Project, done: Sequence[Step], *, drained: Sequence[int] = (), twice: bool = False) -> None:
    """Carry the steps out one after the other, scoring what is pending after some of them and at the end."""
    sent = 0
    for place, step in enumerate(done):
        now = START + timedelta(hours=2, seconds=place)
        if isinstance(step, Send):
            for _ in range(1 + twice):
                outcomes = record(project.pk, incoming(step, sent), now=now)
                assert all(isinstance(outcome, Recorded) for outcome in outcomes)
            sent += len(step.events)
        else:
            leads = list(Lead.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
            if leads:
                one, other = leads[step.one % len(leads)], leads[step.other % len(leads)]
                act = merge_leads if isinstance(step, Merge) else separate_leads
                act(project.pk, one, other, by="Eve", now=now)
        if place in drained:
            drain_all(now=START + timedelta(hours=3))
    drain_all(now=START + timedelta(hours=3))


def standing(project: Project) -> list[tuple[Any, ...]]:
    """Return who there is, by their events: what is known of each, where they stand, and the ledger that led there."""
    homes = dict(Lead.objects.filter(project=project).values_list("pk", "merged_into"))
    events: dict[UUID, list[str]] = {}
    for lead_id, event_id in (
        Event.objects.filter(project=project).exclude(kind="merge").values_list("lead", "event_id")
    ):
        events.setdefault(homes[lead_id] or lead_id, []).append(event_id)
    people = []
    for lead in Lead.objects.filter(project=project, merged_into=None):
        score = LeadScore.objects.get(lead=lead)
        ledger = ScoreEntry.objects.filter(lead=lead).order_by("sequence")
        people.append(
            (
                sorted(events.get(lead.pk, [])),
                lead.name,
                lead.email,
                lead.traits,
                score.score,
                score.stage,
                list(ledger.values_list("client_event_id", "delta", "new_score", "new_stage")),
            )
        )
    return sorted(people, key=lambda person: (person[0], person[1]))


@laws
@given(steps, st.lists(st.integers(0, 13), max_size=5))
def test_however_it_came_about_a_replay_gives_the_same_people_and_scores(done: list[Step], drained: list[int]) -> None:
    lived, replayed = make_project(), make_project()

    carry_out(lived, done, drained=drained, twice=True)
    carry_out(replayed, done)

    assert standing(lived) == standing(replayed)


@laws
@given(steps, st.lists(st.integers(0, 13), max_size=5))
def test_no_event_is_lost_or_counted_twice_and_all_follows_from_the_log(done: list[Step], drained: list[int]) -> None:
    project = make_project()

    carry_out(project, done, drained=drained)

    survivors = list(Lead.objects.filter(project=project, merged_into=None).values_list("pk", flat=True))
    assert verify_leads(project.pk, survivors) == []
    assert not Refold.objects.filter(lead__project=project).exists()
    assert set(LeadScore.objects.filter(project=project).values_list("lead", flat=True)) == set(survivors)
    homes = members_of_leads(survivors)
    assert homes.keys() == set(Lead.objects.filter(project=project).values_list("pk", flat=True))
    sent = sum(len(step.events) for step in done if isinstance(step, Send))
    assert Event.objects.filter(project=project, lead__in=homes).exclude(kind="merge").count() == sent
    for lead in Lead.objects.filter(pk__in=survivors):
        members = [member for member, home in homes.items() if home == lead.pk]
        known = profile.Profile(traits={}, clock={})
        for event in Event.objects.filter(lead__in=members):
            known = profile.learn(known, event.traits, occurred_at=event.occurred_at, event_id=event.event_id)
        assert (lead.name, lead.traits, lead.trait_clock) == (known.name, known.traits, known.clock)


@laws
@given(steps)
def test_when_everything_is_separated_every_lead_has_what_was_given_to_it(done: list[Step]) -> None:
    project = make_project()
    carry_out(project, done, drained=[3, 7])

    while merged := Lead.objects.filter(project=project).exclude(merged_into=None).first():
        assert merged.merged_into_id is not None
        separate_leads(project.pk, merged.pk, merged.merged_into_id, by="Eve", now=START)
    drain_all(now=START + timedelta(hours=3))

    leads = list(Lead.objects.filter(project=project))
    assert all(lead.merged_into_id is None for lead in leads)
    assert verify_leads(project.pk, [lead.pk for lead in leads]) == []
    for lead in leads:
        points = ScoreEntry.objects.filter(lead=lead).exclude(event=None).values_list("event__lead", flat=True)
        assert set(points) <= {lead.pk}


@laws
@given(steps)
def test_no_event_gives_a_lead_two_user_ids_or_a_name_that_means_nobody_beside_others(done: list[Step]) -> None:
    project = make_project()

    carry_out(project, [step for step in done if not isinstance(step, Merge)])

    homes = members_of_leads(Lead.objects.filter(project=project, merged_into=None).values_list("pk", flat=True))
    names: dict[UUID, list[tuple[str, str]]] = {}
    for lead_id, kind, value in Identifier.objects.filter(project=project).values_list("lead", "kind", "value"):
        names.setdefault(homes[lead_id], []).append((kind, value))
    for own in names.values():
        assert sum(kind == "user_id" for kind, _ in own) <= 1
        assert ("user_id", "undefined") not in own or len(own) == 1


traits = st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3)), max_size=3)
lessons = st.lists(st.tuples(traits, st.integers(0, 9)), max_size=8)


def learned(taught: Sequence[tuple[dict[str, int | None], int]], *, first: int = 0) -> profile.Profile:
    known = profile.Profile(traits={}, clock={})
    for place, (told, minute) in enumerate(taught, start=first):
        when = START + timedelta(minutes=minute)
        known = profile.learn(known, told, occurred_at=when, event_id=f"e{place}")
    return known


@laws
@given(lessons, st.integers(0, 8))
def test_two_profiles_joined_are_what_one_would_have_learned(
    taught: list[tuple[dict[str, int | None], int]], at: int
) -> None:
    one, other = learned(taught[:at]), learned(taught[at:], first=at)

    assert profile.join(one, other) == profile.join(other, one) == learned(taught)
