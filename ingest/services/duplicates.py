"""Keep the keys by which duplicates are suspected, and what people say of the suspicions.

A unit of work that changes what is known of leads calls `note_keys`, so that suspicions are found by an index.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from ingest import database
from ingest.core.matching import MAX_GROUP, Kind, MatchKey
from ingest.duplicates import pairs_told_apart
from ingest.ids import new_id
from ingest.models import MatchKey as Row
from ingest.models import NotTheSame
from ingest.selectors import homes_of

_FIELDS = ("id", "project", "lead", "kind", "key", "place", "settled")
_NOT_THE_SAME_FIELDS = ("id", "project", "lead", "other", "by", "created_at")
Keys = frozenset[MatchKey]
NO_KEYS: Keys = frozenset()


class _Held(NamedTuple):
    id: UUID
    lead_id: UUID
    kind: str
    key: str
    place: int


def note_keys(project_id: UUID, changes: Mapping[UUID, tuple[Keys, Keys]]) -> None:
    """Note by which keys leads of a project are found, as a part of the caller's unit of work: `{lead: (before, now)}`.

    No statement where nothing changes; two where leads are new and nobody shares a key with them.
    """
    added, removed = defaultdict(list), set()
    for lead_id, (before, now) in changes.items():
        for kind, key in now - before:
            added[key].append((lead_id, kind))
        removed |= {(lead_id, key) for _, key in before - now}
    leaving = {key for _, key in removed}
    touched = added.keys() | leaving
    if not touched:
        return
    found = _groups(project_id, touched)
    # A group that is full stays as it is: whoever comes later need not wait for it.
    touched = {key for key in touched if key in leaving or len(found.get(key, ())) < MAX_GROUP}
    groups = _hold({key: group for key, group in found.items() if key in touched}, project_id)
    gone: list[UUID] = []
    rows: list[tuple[object, ...]] = []
    moved: list[tuple[object, ...]] = []
    for key in sorted(touched):
        held = groups.get(key, [])
        kept = [row for row in held if (row.lead_id, key) not in removed]
        gone += [row.id for row in held if (row.lead_id, key) in removed]
        free = sorted(set(range(len(kept))) - {row.place for row in kept})
        last = sorted(kept, key=lambda row: row.place)[len(kept) - len(free) :]
        moved += [
            (row.id, project_id, row.lead_id, row.kind, key, place, False)
            for row, place in zip(last, free, strict=True)
        ]
        members = {row.lead_id for row in kept}
        fresh = [(lead_id, kind) for lead_id, kind in added.get(key, ()) if lead_id not in members]
        rows += [
            (new_id(), project_id, lead_id, kind, key, place, False)
            for place, (lead_id, kind) in enumerate(fresh[: MAX_GROUP - len(kept)], start=len(kept))
        ]
    if gone:
        Row.objects.filter(pk__in=gone).delete()
    database.upsert_rows(Row, _FIELDS, moved, unique=("id",), update=("place",))
    database.insert_rows(Row, _FIELDS, rows)
    shared = {key for key in touched if len(groups.get(key, ())) + len(added.get(key, ())) > 1}
    settle(project_id, shared)


def forget_keys(project_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Take away all keys of leads that are about to be deleted, as a part of the caller's unit of work."""
    keys: dict[UUID, set[MatchKey]] = defaultdict(set)
    for lead_id, kind, key in Row.objects.filter(lead__in=lead_ids).values_list("lead", "kind", "key"):
        keys[lead_id].add(MatchKey(Kind(kind), key))
    note_keys(project_id, {lead_id: (frozenset(own), NO_KEYS) for lead_id, own in keys.items()})


def _groups(project_id: UUID, keys: Collection[str]) -> dict[str, list[_Held]]:
    """Return who has these keys, by their places; keys that nobody has are left out."""
    groups = defaultdict(list)
    rows = database.select_rows(
        Row, ("id", "lead", "kind", "key", "place"), {"project": project_id, "key": sorted(keys)}
    )
    for row in sorted((_Held(*row) for row in rows), key=lambda row: row.place):
        groups[row.key].append(row)
    return groups


def _hold(groups: Mapping[str, Sequence[_Held]], project_id: UUID) -> dict[str, list[_Held]]:
    """Return groups as they are now, held until the unit of work ends. Who holds the first of a group holds it all."""
    if not groups:
        return {}
    firsts = {key: group[0].id for key, group in groups.items()}
    database.lock_rows(Row, firsts.values())
    held = _groups(project_id, groups)
    if {key: group[0].id for key, group in held.items()} != firsts:
        raise database.Overtaken
    return held


def settle(project_id: UUID, keys: Collection[str]) -> None:
    """Decide which of the groups with these keys are still to be looked at, as a part of the caller's unit of work."""
    if not keys:
        return
    shared = [group for group in _groups(project_id, keys).values() if len(group) > 1]
    apart = pairs_told_apart({row.lead_id for group in shared for row in group})
    verdicts: dict[bool, list[UUID]] = {True: [], False: []}
    for group in shared:
        pairs = combinations((row.lead_id for row in group), 2)
        verdicts[all(frozenset(pair) in apart for pair in pairs)] += [row.id for row in group]
    for settled, ids in verdicts.items():
        if ids:
            Row.objects.filter(pk__in=ids).exclude(settled=settled).update(settled=settled)


def dismiss(project_id: UUID, lead_ids: Iterable[UUID], *, by: str, now: datetime) -> None:
    """Remember that these leads of a project are all different people; what they have in common is not told again."""
    wanted = set(lead_ids)

    def work() -> None:
        homes = sorted({home.lead_id for home in homes_of(wanted).values() if home.project_id == project_id})
        database.insert_missing_rows(
            NotTheSame,
            _NOT_THE_SAME_FIELDS,
            [(new_id(), project_id, lead, other, by[:200], now) for lead, other in combinations(homes, 2)],
            unique=("lead", "other"),
        )
        keys = set(Row.objects.filter(project=project_id, lead__in=homes).values_list("key", flat=True))
        if keys:
            _hold(_groups(project_id, keys), project_id)
            settle(project_id, keys)

    database.unit_of_work(work)
