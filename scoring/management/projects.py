"""Find the project that a command names."""

from uuid import UUID

from django.core.management.base import CommandError

from ingest.models import Project


def project_named(wanted: str | None) -> Project:
    """Return the project with this id or name, or the only one there is; CommandError in a sentence otherwise."""
    projects = Project.objects.all()
    if wanted:
        projects = projects.filter(pk=wanted) if _is_uuid(wanted) else projects.filter(name=wanted)
    found = list(projects[:20])
    if not found:
        said = (
            f"There is no project “{wanted}”. Give the id or the exact name of one."
            if wanted
            else "There is no project yet."
        )
        raise CommandError(said, returncode=2)
    if len(found) > 1:
        listed = ", ".join(f"{project.name} ({project.pk})" for project in found)
        raise CommandError(f"Say which project with --project, by its id or name: {listed}.", returncode=2)
    return found[0]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
