"""Issue API keys."""

from uuid import UUID

from ingest.core.keys import KeyKind, NewKey, generate
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
