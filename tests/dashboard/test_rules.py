"""The page about rules: what the draft changes, what publishing it would do, publishing it, and going back."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from ingest.models import Project, User
from scoring.models import LeadScore, Rule, RulesetVersion, Walk
from scoring.services import walks
from tests.dashboard.build import make_lead, score, track


@pytest.fixture
def editor(member: User, browser_of_member: Client) -> Client:
    """A member who may change rules."""
    member.user_permissions.add(Permission.objects.get(codename="change_scorecard"))
    return browser_of_member


def make_draft_differ(project: Project, *, points: int = 25) -> None:
    Rule.objects.filter(scorecard__project=project, name="Page view").update(points=points)


def walk_through(project: Project, kind: str) -> Walk:
    walk = Walk.objects.filter(project=project, kind=kind).latest("id")
    for part in walk.parts.all():
        for _ in walks.steps(part.pk):
            pass
    walk.refresh_from_db()
    return walk


def page(client: Client, project: Project) -> str:
    return client.get(f"/p/{project.pk}/rules").content.decode()


def publish(client: Client, project: Project, **choices: Any) -> str:
    html = page(client, project)
    content_hash = html.split('name="content_hash" value="')[1].split('"')[0]
    form = {"applies": "always", "note": "", "content_hash": content_hash} | choices
    return client.post(f"/p/{project.pk}/rules/publish", form, follow=True).content.decode()


def test_the_draft_is_told_in_words(editor: Client, project: Project) -> None:
    assert "There is nothing to publish" in page(editor, project)

    make_draft_differ(project)

    assert "5 → 25 points" in page(editor, project)


def test_a_preview_shows_who_moves_and_why_and_moves_nobody(editor: Client, project: Project) -> None:
    ada, bob = make_lead(project, name="Ada"), make_lead(project, name="Bob")
    track(ada, "page_view")
    track(bob, "signup")
    score()
    make_draft_differ(project)

    editor.post(f"/p/{project.pk}/rules/preview")
    assert "waiting for a worker" in page(editor, project)
    walk_through(project, "preview")
    shown = page(editor, project)

    assert "1 lead from cold to warm" in shown
    assert "Ada" in shown
    assert "Page view</bdi> +5 → +25" in shown
    assert "Bob" not in shown
    assert LeadScore.objects.get(lead=ada).score == 5


def test_a_preview_is_out_of_date_once_the_draft_changes(editor: Client, project: Project) -> None:
    make_draft_differ(project)
    editor.post(f"/p/{project.pk}/rules/preview")
    walk_through(project, "preview")
    assert "have changed since" not in page(editor, project)

    make_draft_differ(project, points=26)

    assert "have changed since" in page(editor, project)


def test_publishing_for_all_events_rescores_in_the_background(editor: Client, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    track(lead, "page_view")
    score()
    make_draft_differ(project)

    told = publish(editor, project, note="Pages matter more")

    assert "Version 2 is in force. Existing leads are being rescored" in told
    assert "Pages matter more" in told
    assert "1 change against version 1" in told
    assert LeadScore.objects.get(lead=lead).score == 5
    assert walk_through(project, "rescore").status == Walk.Status.DONE
    assert LeadScore.objects.get(lead=lead).score == 25


def test_publishing_from_now_on_moves_nothing_that_exists(editor: Client, project: Project) -> None:
    lead = make_lead(project, name="Ada")
    track(lead, "page_view")
    score()
    make_draft_differ(project)

    told = publish(editor, project, applies="now")

    assert "What happened before keeps its points" in told
    walk_through(project, "rescore")
    assert LeadScore.objects.get(lead=lead).score == 5
    track(lead, "page_view")
    score()
    assert LeadScore.objects.get(lead=lead).score == 30


def test_a_draft_that_changed_meanwhile_is_not_published_unseen(editor: Client, project: Project) -> None:
    make_draft_differ(project)

    told = publish(editor, project, content_hash="0" * 64)

    assert "has changed since you looked" in told
    assert RulesetVersion.objects.filter(project=project).count() == 1


def test_a_rollback_is_a_new_version_and_keeps_the_draft_it_replaces(editor: Client, project: Project) -> None:
    make_draft_differ(project)
    publish(editor, project)
    make_draft_differ(project, points=99)

    answer = editor.post(f"/p/{project.pk}/rules/1/roll-back", {"applies": "always", "note": ""}, follow=True)
    told = answer.content.decode()

    assert "It says what version 1 said; nothing is lost" in told
    assert "back to version 1" in told
    assert "There is nothing to publish" in told
    editor.post(f"/p/{project.pk}/rules/3/draft")
    assert "5 → 99 points" in page(editor, project)


@pytest.mark.parametrize("action", ["preview", "publish", "1/roll-back", "1/draft"])
def test_who_may_not_change_rules_reads_only(browser_of_member: Client, project: Project, action: str) -> None:
    make_draft_differ(project)

    assert "5 → 25 points" in page(browser_of_member, project)
    assert "<form" not in page(browser_of_member, project).split("<main")[1]
    assert browser_of_member.post(f"/p/{project.pk}/rules/{action}", {"applies": "now"}).status_code == 403
    assert RulesetVersion.objects.filter(project=project).count() == 1


@pytest.mark.parametrize("action", ["preview", "publish", "1/roll-back", "1/draft"])
def test_another_projects_rules_do_not_exist(editor: Client, strangers_project: Project, action: str) -> None:
    assert editor.post(f"/p/{strangers_project.pk}/rules/{action}", {"applies": "now"}).status_code == 404


@pytest.mark.parametrize("action", ["77/roll-back", "77/draft", "1/draft"])
def test_a_version_that_does_not_exist_is_not_found(editor: Client, project: Project, action: str) -> None:
    assert editor.post(f"/p/{project.pk}/rules/{action}", {"applies": "now"}).status_code == 404


def test_how_far_a_rescore_is_can_be_seen(editor: Client, project: Project) -> None:
    make_lead(project, name="Ada")
    walks.start_rescore(project.pk, by=None, now=timezone.now())

    assert "0 of 1 leads" in page(editor, project)
