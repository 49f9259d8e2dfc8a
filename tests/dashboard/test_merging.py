"""Merging, separating and looking through suspected duplicates on the pages."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from ingest.core.events import IncomingEvent
from ingest.core.identity import Name
from ingest.duplicates import suspicion_count
from ingest.models import Lead, Merge, NotTheSame, Project
from ingest.services import events
from ingest.services.merges import merge_leads, separate_leads
from tests.dashboard.build import make_lead, score, track


def tell(project: Project, event_type: str, *names: tuple[str, str]) -> None:
    event = IncomingEvent(event_type=event_type, names=tuple(Name(*name) for name in names))
    events.record(project.pk, [event], now=timezone.now())


def page_of(browser: Client, lead: Lead, part: str = "") -> str:
    answer = browser.get(f"/p/{lead.project_id}/leads/{lead.pk}{part}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def address(project: Project, lead: Lead, part: str) -> str:
    return f"/p/{project.pk}/leads/{lead.pk}/{part}"


# --- The page of a lead ------------------------------------------------------------------------------------------


def test_a_lead_tells_what_was_merged_into_it_and_because_of_what(browser_of_member: Client, project: Project) -> None:
    tell(project, "page_view", ("anonymous_id", "x"))
    tell(project, "signup", ("user_id", "1"))
    tell(project, "identify", ("user_id", "1"), ("anonymous_id", "x"))
    score()
    survivor = Lead.objects.get(merged_into=None)
    visitor = Lead.objects.exclude(merged_into=None).get()

    page = page_of(browser_of_member, survivor)
    watch = browser_of_member.get(f"/p/{project.pk}/fire/watch/{survivor.pk}").content.decode()
    overview = browser_of_member.get(f"/p/{project.pk}").content.decode()

    assert f"<bdi>{visitor.label}</bdi></strong>" in page
    assert "because of <bdi>identify</bdi>" in page
    assert "Separate again…" in page
    for shown in (watch, overview):
        assert f"Merged with {visitor.label}, because of identify" in shown
        assert "lead_merged" not in shown


def test_merges_and_separations_by_hand_read_as_sentences(browser_of_member: Client, project: Project) -> None:
    ada, bob = make_lead(project, name="Ada", email="a@example.org"), make_lead(project, name="Bob")
    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=timezone.now())
    assert "by <bdi>Eve</bdi>" in page_of(browser_of_member, ada)

    separate_leads(project.pk, ada.pk, bob.pk, by="Dan", now=timezone.now())
    score()
    watched = {
        lead.name: browser_of_member.get(f"/p/{project.pk}/fire/watch/{lead.pk}").content.decode()
        for lead in (ada, bob)
    }

    assert "Merged with Bob, by Eve" in watched["Ada"]
    assert "Separated from Bob, by Dan" in watched["Ada"]
    assert "Separated from Ada, by Dan" in watched["Bob"]


def test_an_event_that_a_client_calls_lead_merged_is_shown_as_what_it_is(
    browser_of_member: Client, project: Project
) -> None:
    lead = make_lead(project, name="Ada")
    track(lead, "lead_merged")

    assert "lead_merged" in browser_of_member.get(f"/p/{project.pk}/fire/watch/{lead.pk}").content.decode()


def test_the_address_of_a_merged_lead_leads_to_the_one_that_stands_for_it(
    browser_of_member: Client, project: Project
) -> None:
    ada, bob = make_lead(project, name="Ada", email="a@example.org"), make_lead(project, name="Bob")
    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=timezone.now())
    old, new = (f"/p/{project.pk}/leads/{lead.pk}" for lead in (bob, ada))

    assert browser_of_member.get(old).headers["Location"] == new
    assert browser_of_member.get(old, headers={"HX-Request": "true"}).headers["HX-Redirect"] == new
    assert browser_of_member.get(f"{old}/merge?find=x").headers["Location"] == f"{new}/merge?find=x"


def test_names_that_were_not_used_are_told_with_the_reason_and_whose_they_are(
    browser_of_member: Client, project: Project
) -> None:
    tell(project, "page_view", ("user_id", "1"), ("anonymous_id", "x"))
    tell(project, "page_view", ("user_id", "2"))
    tell(project, "identify", ("user_id", "2"), ("anonymous_id", "x"), ("external_id", "null"))
    ada, bob = Lead.objects.order_by("pk")

    page = page_of(browser_of_member, bob)

    assert "Anonymous id <strong><bdi>x</bdi></strong>: it belongs to somebody with another user id — <a" in page
    assert f'href="/p/{project.pk}/leads/{ada.pk}"><bdi>{ada.label}</bdi></a>' in page
    assert f'href="/p/{project.pk}/leads/{bob.pk}/merge?lead={ada.pk}">Merge by hand…</a>' in page
    assert "External id <strong><bdi>null</bdi></strong>: it names nobody in particular" in page

    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=timezone.now())
    assert "another user id" not in page_of(browser_of_member, ada)


@pytest.mark.parametrize("merges", [1, 8])
def test_a_lead_costs_the_same_with_any_number_of_merges(
    browser_of_member: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries, merges: int
) -> None:
    tell(project, "signup", ("user_id", "1"))
    lead = Lead.objects.get()
    for number in range(merges):
        tell(project, "page_view", ("anonymous_id", f"x{number}"))
        tell(project, "identify", ("user_id", "1"), ("anonymous_id", f"x{number}"))
    score()
    page_of(browser_of_member, lead)

    with django_assert_num_queries(28):
        page_of(browser_of_member, lead)


# --- Merging and separating by hand ------------------------------------------------------------------------------


def test_two_leads_are_seen_side_by_side_before_anything_happens(browser_of_member: Client, project: Project) -> None:
    visitor, ada = make_lead(project, name="Visitor"), make_lead(project, name="Ada", email="ada@example.org")
    track(ada, "demo_request")
    score()

    page = page_of(browser_of_member, visitor, f"/merge?lead={ada.pk}")

    assert "<bdi>Ada</bdi></strong> stays, because it has a user id or an address, the other only anonymous ids" in page
    assert page.index("becomes part of it") < page.index(">stays<")
    assert "<bdi>ada@example.org</bdi></dd>" in page
    assert '<span class="score">50</span>' in page
    assert not Merge.objects.exists()


def test_users_with_different_ids_are_merged_only_after_a_warning(browser_of_member: Client, project: Project) -> None:
    tell(project, "signup", ("user_id", "1"))
    tell(project, "signup", ("user_id", "2"))
    one, other = Lead.objects.order_by("pk")

    page = page_of(browser_of_member, one, f"/merge?lead={other.pk}")

    assert "They are users with different user ids, so no event would merge them." in page
    assert "stays, because it has been known for longer" in page


def test_the_search_offers_every_lead_but_the_one_itself(browser_of_member: Client, project: Project) -> None:
    ada, bob = make_lead(project, name="Ada"), make_lead(project, name="Bob")
    score()

    for find in ("", "?find=", "?find=b"):
        answer = browser_of_member.get(
            address(project, ada, f"merge{find}"), headers={"HX-Request": "true", "HX-Target": "candidates"}
        ).content.decode()
        assert f'value="{bob.pk}"' in answer
        assert f'value="{ada.pk}"' not in answer


def test_a_merge_by_hand_says_who_did_it_and_leads_to_the_survivor(browser_of_member: Client, project: Project) -> None:
    bob, ada = make_lead(project, name="Bob"), make_lead(project, name="Ada", email="ada@example.org")

    answer = browser_of_member.post(address(project, bob, "merge"), {"lead": str(ada.pk)}, follow=True)

    assert answer.redirect_chain == [(f"/p/{project.pk}/leads/{ada.pk}", 302)]
    assert "Bob is part of Ada now. The score follows within moments." in answer.content.decode()
    assert Merge.objects.get().by == "dana"


def test_a_merge_that_is_refused_says_why(browser_of_member: Client, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(max_names_per_lead=1)
    ada, bob = (make_lead(project, name=name, email=f"{name}@example.org") for name in ("ada", "bob"))

    page = page_of(browser_of_member, ada, f"/merge?lead={bob.pk}")
    answer = browser_of_member.post(address(project, ada, "merge"), {"lead": str(bob.pk)}, follow=True)

    for shown in (page, answer.content.decode()):
        assert "Together they would answer to more than 1 ids and addresses." in shown
    assert "They were not merged." in answer.content.decode()
    assert not Merge.objects.exists()
    assert "cannot be merged with itself" in page_of(browser_of_member, ada, f"/merge?lead={ada.pk}")


def test_a_merge_is_undone_from_the_page(browser_of_member: Client, project: Project) -> None:
    ada, bob = make_lead(project, name="Ada", email="a@example.org"), make_lead(project, name="Bob")
    merge_leads(project.pk, ada.pk, bob.pk, by="Eve", now=timezone.now())

    answer = browser_of_member.post(address(project, ada, "separate"), {"lead": str(bob.pk)}, follow=True)
    again = browser_of_member.post(address(project, ada, "separate"), {"lead": str(bob.pk)}, follow=True)

    assert "Bob and Ada are separate again" in answer.content.decode()
    assert "These two leads are not merged with each other." in again.content.decode()
    assert Lead.objects.get(pk=bob.pk).merged_into is None


@pytest.mark.parametrize("action", ["merge", "separate"])
def test_only_leads_of_a_project_of_ones_own_are_merged_or_separated(
    browser_of_member: Client, project: Project, strangers_project: Project, action: str
) -> None:
    mine, theirs = make_lead(project, name="Mine"), make_lead(strangers_project, name="Theirs")
    other = make_lead(strangers_project, name="Other", email="o@example.org")
    merge_leads(strangers_project.pk, theirs.pk, other.pk, by="Eve", now=timezone.now())
    before = list(Merge.objects.values_list("pk", "undone_at"))

    for tenant, one, another in [
        (project, mine, theirs),
        (project, theirs, mine),
        (project, theirs, other),
        (strangers_project, other, theirs),
    ]:
        answer = browser_of_member.post(address(tenant, one, action), {"lead": str(another.pk)})
        assert answer.status_code == 404
    for nonsense in ({}, {"lead": "x"}, {"lead": ""}):
        assert browser_of_member.post(address(project, mine, action), nonsense).status_code == 404
    assert list(Merge.objects.values_list("pk", "undone_at")) == before


def test_every_change_needs_the_token_that_only_the_page_has(member: object, project: Project) -> None:
    ada, bob = make_lead(project, name="Ada"), make_lead(project, name="Bob")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(member)  # type: ignore[arg-type]

    for part in (f"leads/{ada.pk}/merge", f"leads/{ada.pk}/separate", "duplicates/dismiss"):
        answer = careful.post(f"/p/{project.pk}/{part}", {"lead": [str(ada.pk), str(bob.pk)]})
        assert answer.status_code == 403
    assert not Merge.objects.exists()
    assert not NotTheSame.objects.exists()


@pytest.mark.parametrize("part", ["leads/{}/separate", "duplicates/dismiss"])
def test_looking_changes_nothing(browser_of_member: Client, project: Project, part: str) -> None:
    lead = make_lead(project, name="Ada")

    assert browser_of_member.get(f"/p/{project.pk}/{part.format(lead.pk)}").status_code == 405


# --- Suspected duplicates ----------------------------------------------------------------------------------------


def duplicates(browser: Client, project: Project) -> str:
    return " ".join(browser.get(f"/p/{project.pk}/duplicates").content.decode().split())


def test_without_suspicions_the_page_says_what_would_be_there(browser_of_member: Client, project: Project) -> None:
    assert "No duplicates suspected" in duplicates(browser_of_member, project)


def test_two_suspects_are_compared_and_merged_and_the_page_goes_on(browser_of_member: Client, project: Project) -> None:
    one = make_lead(project, name="Ada", email="ada.l@gmail.com")
    other = make_lead(project, name="A. L.", email="adal@googlemail.com")
    page = duplicates(browser_of_member, project)
    compare = f"/p/{project.pk}/leads/{one.pk}/merge?lead={other.pk}&amp;from=duplicates"

    assert "The same e-mail address in another spelling" in page
    assert compare in page
    assert "Not the same" in browser_of_member.get(compare.replace("&amp;", "&")).content.decode()

    form = {"lead": str(other.pk), "from": "duplicates"}
    answer = browser_of_member.post(address(project, one, "merge"), form, follow=True)

    assert answer.redirect_chain == [(f"/p/{project.pk}/duplicates", 302)]
    assert "A. L. is part of Ada now." in answer.content.decode()
    assert "No duplicates suspected" in answer.content.decode()


def test_a_suspicion_is_dismissed_and_remembered(browser_of_member: Client, project: Project) -> None:
    one, other = (make_lead(project, name="Ada", company=company) for company in ("Engines Ltd", "engines"))
    assert "The same name and company" in duplicates(browser_of_member, project)

    answer = browser_of_member.post(
        f"/p/{project.pk}/duplicates/dismiss", {"lead": [str(one.pk), str(other.pk)]}, follow=True
    )

    assert "Noted: they are not the same." in answer.content.decode()
    assert "No duplicates suspected" in answer.content.decode()
    assert NotTheSame.objects.get().by == "dana"
    assert "Somebody has said before" in page_of(browser_of_member, one, f"/merge?lead={other.pk}")


def test_of_three_suspects_two_are_compared_at_a_time(browser_of_member: Client, project: Project) -> None:
    one, two, three = (make_lead(project, name=str(number), phone="+49 30 1234567") for number in range(3))
    page = duplicates(browser_of_member, project)
    assert page.count(">Compare…<") == 2
    assert "None are the same" in page

    dismissed = {"lead": [str(one.pk), str(three.pk)]}
    page = browser_of_member.post(f"/p/{project.pk}/duplicates/dismiss", dismissed, follow=True).content.decode()

    assert f"leads/{two.pk}/merge?lead={three.pk}" in page
    assert f"leads/{one.pk}/merge?lead={three.pk}" not in page


def test_leads_of_strangers_cannot_be_dismissed_nor_one_alone(
    browser_of_member: Client, project: Project, strangers_project: Project
) -> None:
    mine = make_lead(project, name="Ada", phone="+49 30 1234567")
    theirs = [make_lead(strangers_project, name="Ada", phone="+49 30 1234567") for _ in range(2)]

    for leads in ([mine, theirs[0]], theirs, [mine], [mine, mine], []):
        form = {"lead": [str(lead.pk) for lead in leads]}
        assert browser_of_member.post(f"/p/{project.pk}/duplicates/dismiss", form).status_code == 404
    assert not NotTheSame.objects.exists()
    assert suspicion_count(strangers_project.pk) == 1


def test_the_list_of_leads_says_how_many_are_to_be_looked_at(browser_of_member: Client, project: Project) -> None:
    for number in range(3):
        for _ in range(2):
            make_lead(project, phone=f"+49 30 123456{number}")

    page = browser_of_member.get(f"/p/{project.pk}/leads").content.decode()

    assert 'Duplicates <span class="tag wait">3</span>' in page


@pytest.mark.parametrize("suspects", [1, 15])
def test_the_page_costs_the_same_with_any_number_of_suspicions(
    browser_of_member: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries, suspects: int
) -> None:
    for number in range(suspects):
        for _ in range(2):
            make_lead(project, phone=f"+49 30 12345{number:02}")
    score()
    duplicates(browser_of_member, project)

    with django_assert_num_queries(13):
        duplicates(browser_of_member, project)


def test_suspicions_are_paged(browser_of_member: Client, project: Project) -> None:
    for number in range(25):
        for _ in range(2):
            make_lead(project, phone=f"+49 30 12345{number:02}")

    first = browser_of_member.get(f"/p/{project.pk}/duplicates")
    second = browser_of_member.get(f"/p/{project.pk}/duplicates{first.context['next_url']}")

    assert [len(page.context["suspicions"]) for page in (first, second)] == [20, 5]
    assert browser_of_member.get(f"/p/{project.pk}/duplicates?cursor=x").status_code == 302
