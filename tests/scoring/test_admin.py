"""The admin of rules: a draft, what publishing it changes, and dead letters; each person sees their projects only."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from ingest.models import Membership, Project, User
from scoring.models import DeadLetter, RulesetVersion
from tests.scoring.builders import LATER, drain_all, event, lead_of, make_project, pending, standing, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("Ours")


@pytest.fixture
def theirs() -> Project:
    return make_project("Theirs")


@pytest.fixture
def staff(client: Client, project: Project) -> Client:
    """Return the browser of somebody who may do everything, in one project."""
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="scoring"))
    Membership.objects.create(project=project, user=user)
    client.force_login(user)
    return client


def publish_page(project: Project) -> str:
    return reverse("admin:scoring_publish", args=[project.pk])


def text(response: Any) -> str:
    assert response.status_code == 200
    content: str = response.content.decode()
    return content


def raise_the_signup(project: Project, points: int = 33) -> None:
    project.scorecards.get().rules.filter(name="Sign-up").update(points=points)


def test_a_draft_that_is_in_force_has_nothing_to_publish(staff: Client, project: Project) -> None:
    assert "The draft is the same as version 1" in text(staff.get(publish_page(project)))


def test_the_difference_is_shown_and_published(staff: Client, project: Project) -> None:
    raise_the_signup(project)

    shown = text(staff.get(publish_page(project)))
    done = text(staff.post(publish_page(project), {"applies": "always", "note": "Worth more"}, follow=True))

    assert "points: 33</ins>" in shown
    assert "Version 2 is published." in done
    version = RulesetVersion.objects.get(project=project, number=2)
    assert (version.note, version.applies_from, str(version.published_by)) == ("Worth more", None, "ada")


def test_a_version_may_apply_from_now_on(staff: Client, project: Project) -> None:
    raise_the_signup(project)

    staff.post(publish_page(project), {"applies": "now"})

    assert RulesetVersion.objects.get(project=project, number=2).applies_from is not None


def test_publishing_twice_says_that_nothing_has_changed(staff: Client, project: Project) -> None:
    raise_the_signup(project)
    staff.post(publish_page(project), {"applies": "always"})

    assert "The draft is the same as version 2." in text(staff.post(publish_page(project), {"applies": "always"}))
    assert RulesetVersion.objects.filter(project=project).count() == 2


def test_an_invalid_draft_is_explained_and_not_published(staff: Client, project: Project) -> None:
    project.scorecards.get().stages.all().delete()

    for response in (staff.get(publish_page(project)), staff.post(publish_page(project), {"applies": "always"})):
        assert "The draft cannot be published yet" in text(response)
    assert RulesetVersion.objects.filter(project=project).count() == 1


def test_saving_a_draft_says_that_it_is_one(staff: Client, project: Project) -> None:
    card = project.scorecards.get()
    page = reverse("admin:scoring_scorecard_change", args=[card.pk])
    browser: Any = staff
    forms = browser.get(page).context["inline_admin_formsets"]
    data: dict[str, Any] = {
        "project": project.pk,
        "name": "Engagement",
        "position": 0,
        "floor": 0,
        "cap": 500,
        "basis": card.basis,
    }
    for inline in forms:
        for key, value in inline.formset.management_form.initial.items():
            data[f"{inline.formset.prefix}-{key}"] = value
        for form in inline.formset.initial_forms:
            data |= {form.add_prefix(name): form[name].value() for name in form.fields}

    answer = text(staff.post(page, {key: "" if value is None else value for key, value in data.items()}, follow=True))

    assert "This is a draft and changes no score yet." in answer
    assert publish_page(project) in answer
    card.refresh_from_db()
    assert card.cap == 500


def test_nobody_publishes_the_rules_of_another_project(staff: Client, theirs: Project) -> None:
    assert staff.get(publish_page(theirs)).status_code == 404
    assert staff.post(publish_page(theirs), {"applies": "always"}).status_code == 404


def test_somebody_who_may_only_look_publishes_nothing(client: Client, project: Project) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    Membership.objects.create(project=project, user=user)
    client.force_login(user)

    assert client.post(publish_page(project), {"applies": "always"}).status_code == 403


def letter_of(project: Project) -> DeadLetter:
    track(project, event("signup"))
    lead = lead_of(project)
    return DeadLetter.objects.create(
        event=lead.events.get(), project=project, lead=lead, error="It broke", traceback="Traceback …", parked_at=LATER
    )


@pytest.mark.parametrize("model", ["scorecard", "rulesetversion", "leadscore", "scoreentry", "deadletter"])
def test_lists_and_pages_show_only_the_persons_projects(
    staff: Client, project: Project, theirs: Project, model: str
) -> None:
    ours, other = letter_of(project), letter_of(theirs)
    of_model: Callable[[Project], Any] = {
        "scorecard": lambda of: of.scorecards.get(),
        "rulesetversion": lambda of: of.ruleset_versions.get(),
        "leadscore": lambda of: of.scores.get(),
        "scoreentry": lambda of: lead_of(of).entries.get(),
        "deadletter": lambda of: {project: ours, theirs: other}[of],
    }[model]

    listed = text(staff.get(reverse(f"admin:scoring_{model}_changelist")))
    own = staff.get(reverse(f"admin:scoring_{model}_change", args=[of_model(project).pk]))
    foreign = staff.get(reverse(f"admin:scoring_{model}_change", args=[of_model(theirs).pk]), follow=True)

    assert str(of_model(project).pk) in listed
    assert str(of_model(theirs).pk) not in listed
    assert "Theirs" not in listed
    assert own.status_code == 200
    assert "doesn’t exist" in text(foreign) or foreign.status_code in {403, 404}


def act(staff: Client, action: str, *letters: DeadLetter) -> str:
    chosen = {"action": action, "_selected_action": [letter.pk for letter in letters]}
    return text(staff.post(reverse("admin:scoring_deadletter_changelist"), chosen, follow=True))


def test_a_dead_letter_is_scored_again(staff: Client, project: Project) -> None:
    letter = letter_of(project)

    assert "scored again" in act(staff, "retry", letter)
    assert pending() == 1
    drain_all()

    assert standing(project)[0] == 20
    assert not DeadLetter.objects.exists()


def test_a_dead_letter_is_discarded(staff: Client, project: Project) -> None:
    letter = letter_of(project)

    assert "never count" in act(staff, "discard", letter)
    letter.refresh_from_db()
    assert letter.discarded


def test_the_dead_letters_of_another_project_cannot_be_acted_on(staff: Client, theirs: Project) -> None:
    letter = letter_of(theirs)

    act(staff, "retry", letter)
    act(staff, "discard", letter)

    letter.refresh_from_db()
    assert not letter.discarded
    assert pending() == 0
