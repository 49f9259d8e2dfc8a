"""Find the project that a command names. What is refused is told in a sentence, with exit code 2."""

from django.core.management.base import CommandError

from ingest.ids import uuid_of
from ingest.models import Project

REFUSED = 2


def project_named(wanted: str | None) -> Project:
    """Return the project with this id or name; the only one there is, if none is named."""
    if wanted:
        return _the_one(wanted)
    found = list(Project.objects.order_by("name", "pk")[:20])
    if not found:
        raise CommandError("There is no project yet.", returncode=REFUSED)
    if len(found) > 1:
        raise CommandError(
            f"Say which project with --project, by its id or name: {_listed(found)}.", returncode=REFUSED
        )
    return found[0]


def projects_named(wanted: str | None) -> list[Project]:
    """Return the project with this id or name; all, if none is named."""
    return [_the_one(wanted)] if wanted else list(Project.objects.all())


def _the_one(wanted: str) -> Project:
    project_id = uuid_of(wanted)
    found = list(Project.objects.filter(pk=project_id) if project_id else Project.objects.filter(name=wanted))
    if not found:
        raise CommandError(f"There is no project “{wanted}”. Give the id or the exact name of one.", returncode=REFUSED)
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} projects are called “{wanted}”. Give the id of one: {_listed(found)}.", returncode=REFUSED
        )
    return found[0]


def _listed(projects: list[Project]) -> str:
    return ", ".join(f"{project.name} ({project.pk})" for project in projects)
