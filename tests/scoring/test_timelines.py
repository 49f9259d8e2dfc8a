"""Timelines are compiled once per version, and a worker notices a new version with its next batch."""

from datetime import timedelta
from typing import Any

import pytest

from scoring.timelines import timeline_of, timelines_of
from tests.scoring.builders import LATER, NOON, make_project, put_in_force, scorecard

pytestmark = pytest.mark.django_db


def test_a_timeline_is_loaded_once_and_then_only_asked_for_its_number(django_assert_num_queries: Any) -> None:
    project, other = make_project(), make_project("Other")

    with django_assert_num_queries(2):
        first = timelines_of([project.pk, other.pk])
    with django_assert_num_queries(1):
        again = timelines_of([project.pk, other.pk])

    assert first == again


def test_a_new_version_is_noticed_at_once() -> None:
    project = make_project()
    timeline_of(project.pk)

    number = put_in_force(project, scorecard(signup=7), applies_from=LATER)

    assert timeline_of(project.pk).latest.number == number
    assert timeline_of(project.pk).at(NOON).number == 1
    assert timeline_of(project.pk).at(LATER + timedelta(days=1)).number == number


def test_a_project_moved_to_another_time_zone_is_compiled_again() -> None:
    project = make_project()
    before = timeline_of(project.pk)

    project.time_zone = "Europe/Berlin"
    project.save()

    assert str(before.latest.zone) == "UTC"
    assert str(timeline_of(project.pk).latest.zone) == "Europe/Berlin"
