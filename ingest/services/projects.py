"""Create projects, and decide who belongs to them."""

from datetime import datetime
from uuid import UUID

from ingest.ids import new_id
from ingest.models import Membership, Project, User


def create_project(name: str, *, time_zone: str = "UTC", project_id: UUID | None = None, now: datetime) -> Project:
    """Create a project, with an id of its own if it has one. Its default rules come with it: scoring listens."""
    return Project.objects.create(id=project_id or new_id(), name=name, time_zone=time_zone, created_at=now)


def add_member(project_id: UUID, user: User) -> Membership:
    """Let a person see the project; someone who belongs to it already stays as they are."""
    membership, _ = Membership.objects.get_or_create(project_id=project_id, user=user)
    return membership
