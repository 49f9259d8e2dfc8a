"""Which leads are suspected to be one person, and when they cease to be."""

from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from ingest.core.matching import MAX_GROUP
from ingest.duplicates import suspicion_count, suspicions_page
from ingest.models import MatchKey, NotTheSame, Project
from ingest.services.duplicates import dismiss
from ingest.services.leads import LeadCreated, create_lead, update_lead
from ingest.services.merges import Merged, merge_leads, separate_leads
from tests.builders import caller_of, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def lead(project: Project, **traits: Any) -> UUID:
    created = create_lead(project.pk, names=[], traits=traits, now=timezone.now())
    assert isinstance(created, LeadCreated)
    return created.lead_id


def suspected(project: Project) -> list[tuple[str, set[UUID]]]:
    """Return why and of which leads, the newest suspicion first."""
    page = suspicions_page(project.pk, cursor=None, limit=50)
    assert suspicion_count(project.pk) == len(page.rows)
    return [(str(row.kind), {each.pk for each in row.leads}) for row in page.rows]


def test_two_spellings_of_an_address_are_suspected(project: Project) -> None:
    one = lead(project, email="ada.lovelace@gmail.com")
    other = lead(project, email="AdaLovelace+news@googlemail.com")
    lead(project, email="bob@gmail.com")

    assert suspected(project) == [("email", {one, other})]


def test_all_that_leads_have_in_common_is_told_the_newest_first(project: Project) -> None:
    one = lead(project, name="Ada Lovelace", company="Engines Ltd", phone="+49 30 1234567")
    other = lead(project, name="Lovelace, Ada", company="Engines")
    third = lead(project, phone="0049 30 1234567")

    assert suspected(project) == [("phone", {one, third}), ("name", {one, other})]


def test_leads_of_another_project_are_nobodys_duplicates(project: Project) -> None:
    theirs = make_project("Others")
    lead(project, email="ada@example.org")
    lead(theirs, email="ADA+x@example.org")

    assert suspected(project) == suspected(theirs) == []


def test_events_in_one_batch_find_each_other_too(project: Project) -> None:
    caller = caller_of(project)
    events = [
        {"eventType": "identify", "userId": "1", "traits": {"phone": "+49 30 1234567"}},
        {"eventType": "identify", "userId": "2", "traits": {"phone": "0049 30 1234567"}},
    ]

    assert caller.post("/api/events/batch", {"events": events}).json()["accepted"] == 2

    ((why, leads),) = suspected(project)
    assert (why, len(leads)) == ("phone", 2)


def test_a_suspicion_goes_when_what_they_had_in_common_does(project: Project) -> None:
    one, other, third = (lead(project, phone="+49 30 1234567") for _ in range(3))

    update_lead(project.pk, one, traits={"phone": "+49 30 7654321"}, now=timezone.now())
    assert suspected(project) == [("phone", {other, third})]

    update_lead(project.pk, third, traits={"phone": None}, now=timezone.now())
    assert suspected(project) == []
    assert list(MatchKey.objects.filter(lead=other).values_list("place", flat=True)) == [0]


def test_places_have_no_gaps_whoever_leaves(project: Project) -> None:
    leads = [lead(project, phone="+49 30 1234567") for _ in range(5)]

    for gone in (leads[1], leads[4], leads[0]):
        update_lead(project.pk, gone, traits={"phone": None}, now=timezone.now())
        places = sorted(MatchKey.objects.values_list("place", flat=True))
        assert places == list(range(len(places)))

    assert suspected(project) == [("phone", {leads[2], leads[3]})]


def test_merged_leads_are_suspected_no_more_and_separated_ones_are_told_apart(project: Project) -> None:
    one, other = lead(project, email="ada@example.org"), lead(project, email="ada+x@example.org")

    assert isinstance(merge_leads(project.pk, one, other, by="Eve", now=timezone.now()), Merged)
    assert suspected(project) == []
    assert not MatchKey.objects.filter(lead=other).exists()

    separate_leads(project.pk, one, other, by="Eve", now=timezone.now())
    assert suspected(project) == []
    assert MatchKey.objects.filter(lead=other).exists()


def test_a_third_one_is_suspected_beside_two_that_were_told_apart(project: Project) -> None:
    one, other = lead(project, email="ada@example.org"), lead(project, email="ada+x@example.org")
    dismiss(project.pk, [one, other], by="Eve", now=timezone.now())
    assert suspected(project) == []

    third = lead(project, email="ada+y@example.org")

    assert suspected(project) == [("email", {one, other, third})]
    (row,) = suspicions_page(project.pk, cursor=None, limit=50).rows
    assert row.told_apart == {frozenset({one, other})}


def test_what_was_said_of_a_lead_holds_for_the_one_it_is_merged_into(project: Project) -> None:
    one, other = lead(project, email="ada@example.org"), lead(project, email="ada+x@example.org")
    known = lead(project, name="Ada")
    dismiss(project.pk, [one, other], by="Eve", now=timezone.now())

    merge_leads(project.pk, one, known, by="Eve", now=timezone.now())

    assert suspected(project) == []


def test_it_holds_no_longer_once_they_are_separated(project: Project) -> None:
    known, other = (lead(project, phone="+49 30 1234567") for _ in range(2))
    visitor = lead(project, name="Ada")
    dismiss(project.pk, [visitor, other], by="Eve", now=timezone.now())
    merge_leads(project.pk, known, visitor, by="Eve", now=timezone.now())
    assert suspected(project) == []

    separate_leads(project.pk, known, visitor, by="Eve", now=timezone.now())

    assert suspected(project) == [("phone", {known, other})]


def test_saying_it_twice_is_remembered_once(project: Project) -> None:
    leads = [lead(project, email=f"ada+{number}@example.org") for number in range(3)]

    for _ in range(2):
        dismiss(project.pk, leads, by="Eve", now=timezone.now())

    assert suspected(project) == []
    assert NotTheSame.objects.count() == 3


def test_leads_of_others_cannot_be_told_apart(project: Project) -> None:
    theirs = make_project("Others")
    leads = [lead(theirs, email=f"ada+{number}@example.org") for number in range(2)]

    dismiss(project.pk, leads, by="Eve", now=timezone.now())

    assert not NotTheSame.objects.exists()
    assert len(suspected(theirs)) == 1


def test_a_key_of_very_many_leads_keeps_a_bounded_group(project: Project) -> None:
    for _ in range(MAX_GROUP + 3):
        lead(project, phone="+49 30 1234567")

    ((_, leads),) = suspected(project)
    assert len(leads) == MAX_GROUP


def test_a_page_takes_five_queries_however_many_suspicions(project: Project, django_assert_num_queries: Any) -> None:
    for number in range(6):
        for tag in ("a", "b"):
            lead(project, email=f"ada{number}+{tag}@example.org")

    with django_assert_num_queries(5):
        first = suspicions_page(project.pk, cursor=None, limit=4)
    with django_assert_num_queries(5):
        second = suspicions_page(project.pk, cursor=first.next, limit=4)

    assert [len(first.rows), len(second.rows)] == [4, 2]
