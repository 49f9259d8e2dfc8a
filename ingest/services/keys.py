"""Issue API keys."""

from dataclasses import dataclass
from uuid import UUID

from ingest.core.keys import KeyKind, NewKey, digest, generate
from ingest.models import ApiKey

WRITE_KEY_EVENTS_PER_MINUTE = 100


def issue_key(project_id: UUID, kind: KeyKind, *, name: str = "") -> tuple[ApiKey, NewKey]:
    """Store a new key's digest and return it with its token, which cannot be had again for a secret key.

    A write key starts with a limit of 100 events a minute; a secret key has none.
    """
    new = generate(kind)
    key = ApiKey.objects.create(
        project_id=project_id,
        kind=kind.value,
        name=name,
        hint=new.hint,
        digest=new.digest,
        token=new.token if kind is KeyKind.WRITE else "",
        events_per_minute=WRITE_KEY_EVENTS_PER_MINUTE if kind is KeyKind.WRITE else None,
    )
    return key, new


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTaken:
    """Refused: the token opens a project already."""

    project_id: UUID


def keep_write_key(
    project_id: UUID, token: str, *, name: str, events_per_minute: int | None, active: bool
) -> ApiKey | KeyTaken:
    """Store a write key that was issued elsewhere and stands in web pages, as a part of the caller's unit of work."""
    taken = ApiKey.objects.filter(digest=digest(token)).values_list("project", flat=True).first()
    if taken is not None:
        return KeyTaken(project_id=taken)
    return ApiKey.objects.create(
        project_id=project_id,
        kind=KeyKind.WRITE.value,
        name=name,
        hint=token[:9],
        digest=digest(token),
        token=token,
        events_per_minute=events_per_minute or WRITE_KEY_EVENTS_PER_MINUTE,
        active=active,
    )
