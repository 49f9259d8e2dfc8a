"""What the tables themselves refuse."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from ingest.models import Project
from ingest.services.people import create_administrator
from ingest.services.projects import create_project
from scoring.core.fingerprint import fingerprint
from scoring.models import RulesetVersion, VersionFrozen

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> RulesetVersion:
    return RulesetVersion.objects.get(project=create_project("Acme", now=timezone.now()))


@pytest.mark.parametrize(
    "change",
    [
        lambda version: version.save(),
        lambda version: version.delete(),
        lambda version: RulesetVersion.objects.filter(pk=version.pk).update(note="other"),
        lambda version: RulesetVersion.objects.filter(pk=version.pk).delete(),
        lambda version: RulesetVersion.objects.bulk_update([version], ["content"]),
        lambda version: version.project.ruleset_versions.all().delete(),
        lambda version: version.project.ruleset_versions.update(number=7),
    ],
)
def test_a_published_version_can_be_neither_changed_nor_deleted(
    version: RulesetVersion, change: Callable[[RulesetVersion], object]
) -> None:
    version.content = {"scorecards": []}

    with pytest.raises(VersionFrozen, match="never changes"):
        change(version)

    stored = RulesetVersion.objects.get(pk=version.pk)
    assert stored.content["scorecards"]
    assert stored.content_hash == fingerprint(stored.content)


def test_a_version_goes_with_its_project_and_outlives_its_author(version: RulesetVersion) -> None:
    author = create_administrator("dana", password="correct horse battery")
    second = RulesetVersion.objects.create(
        project=version.project, number=2, content=version.content, published_by=author
    )
    author.delete()
    assert RulesetVersion.objects.get(pk=second.pk).published_by is None

    Project.objects.filter(pk=version.project_id).delete()
    assert not RulesetVersion.objects.exists()


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [2, 3]}) == fingerprint({"b": [2, 3], "a": 1})
    assert fingerprint({"b": [2, 3]}) != fingerprint({"b": [3, 2]})
