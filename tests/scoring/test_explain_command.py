"""`manage.py explain`"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.scoring.build import DAY, DEMO_EXPIRES, T0, make_project, track

pytestmark = pytest.mark.django_db


def explain(*arguments: str) -> str:
    out = StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_why_in_words_that_sum_and_what_is_next() -> None:
    project = make_project(DEMO_EXPIRES)
    track(project, "demo_request", T0)
    track(project, "page_view", T0 + DAY)

    told = explain("ada", "--as-of", "2026-03-05T12:00:00Z")

    assert "55 points, hot" in told
    assert "  +50 Demo request, 3 days ago, rule ‘demo request’ v1\n" in told
    assert "  +5 Page view, 2 days ago, rule ‘page view’ v1\n  = 55\n" in told
    assert "  falls to cold on 1 April if nothing happens\n" in told


def test_it_says_what_was_known_then() -> None:
    project = make_project(DEMO_EXPIRES)
    lead = track(project, "demo_request", T0)
    track(project, "page_view", T0 + DAY, now=T0 + 9 * DAY)

    told = explain(str(lead.pk), "--as-of", "2026-03-05T12:00:00Z", "--known-at", "2026-03-06T12:00:00Z")

    assert "50 points, hot" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody",), "No lead has the id"),
        (("ada", "--as-of", "soon"), "--as-of must be a time"),
        (("ada", "--scorecard", "Nope"), "has these scorecards: Engagement"),
    ],
)
def test_what_it_cannot_answer_it_refuses_in_words(arguments: tuple[str, ...], sentence: str) -> None:
    track(make_project(DEMO_EXPIRES), "demo_request", T0)

    with pytest.raises(CommandError, match=sentence):
        explain(*arguments)


def test_a_name_that_leads_of_two_projects_have_asks_for_the_id() -> None:
    for _ in range(2):
        track(make_project(DEMO_EXPIRES), "demo_request", T0)

    with pytest.raises(CommandError, match="Several leads"):
        explain("ada")
