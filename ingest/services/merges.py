"""Make two leads one, and two again. No event moves, and no point is counted by hand.

Who builds on the log is told, and looks anew at what the leads' logs now hold.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest import database
from ingest.core import profile
from ingest.core.events import IncomingEvent
from ingest.core.identity import Reason, survivor, why_survives
from ingest.core.matching import match_keys
from ingest.core.profile import Profile
from ingest.ids import new_id
from ingest.merge_history import MERGED, SEPARATED
from ingest.models import Event, Identifier, Lead, Merge, PendingEvent
from ingest.selectors import homes_of, members_of_leads
from ingest.services import log
from ingest.services.duplicates import NO_KEYS, Keys, note_keys, settle
from ingest.services.identities import guard_of, hold, people_of
from ingest.signals import LeadsMerged, LeadsSeparated, leads_merged, leads_separated
from ingest.slots import slot_of

_MERGE_FIELDS = ("id", "project", "lead", "into", "cause", "by", "gave_owner", "merged_at", "undone_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Two leads are one: `absorbed` became part of `survivor`. `already`: they had been one before."""

    absorbed: UUID
    survivor: UUID
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a merge would do: which lead becomes part of which, and why that one survives, in words.

    `other_user`: they are users with different ids, so no event would merge them.
    """

    absorbed: UUID
    survivor: UUID
    why: str
    other_user: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Separated:
    """What had been merged into `survivor` as `separated` stands for itself again."""

    separated: UUID
    survivor: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRefused:
    """Two leads were not merged, or not separated, and why, as a stable `code` and in words."""

    code: str
    detail: str


_ERASED = MergeRefused(code="lead_erased", detail="One of the two leads was erased at this moment.")


def merge_leads(project_id: UUID, lead_id: UUID, other_id: UUID, *, by: str, now: datetime) -> Merged | MergeRefused:
    """Make two leads of a project one because somebody says so. The known one survives, or the older of two.

    They may be two users with different ids, which no event could merge.
    """

    def work() -> Merged | MergeRefused:
        homes = homes_of([lead_id, other_id])
        if lead_id not in homes or other_id not in homes:
            return _ERASED
        one, other = homes[lead_id].lead_id, homes[other_id].lead_id
        if lead_id == other_id:
            return MergeRefused(code="same_lead", detail="A lead cannot be merged with itself.")
        if one == other:
            absorbed = other_id if other_id != other else lead_id
            return Merged(absorbed=absorbed, survivor=one, already=True)
        hold([one, other])
        foreseen = _decide(project_id, one, other)
        if isinstance(foreseen, MergeRefused):
            return foreseen
        absorbed, kept = foreseen.absorbed, foreseen.survivor
        merge_in_unit_of_work(project_id, absorbed, kept, cause=Merge.Cause.HAND, by=by, now=now)
        return Merged(absorbed=absorbed, survivor=kept)

    return database.unit_of_work(work)


def foresee_merge(project_id: UUID, lead_id: UUID, other_id: UUID) -> Foreseen | MergeRefused:
    """Return what merging two leads of a project that stand for themselves would do. Four queries."""
    if lead_id == other_id:
        return MergeRefused(code="same_lead", detail="A lead cannot be merged with itself.")
    return _decide(project_id, lead_id, other_id)


def _decide(project_id: UUID, one: UUID, other: UUID) -> Foreseen | MergeRefused:
    people = people_of([one, other])
    kept, gone = survivor(people[one], people[other])
    most = guard_of(project_id).max_names
    if kept.names + gone.names > most:
        return MergeRefused(
            code=Reason.LIMIT, detail=f"Together they would answer to more than {most:,} ids and addresses."
        )
    return Foreseen(
        absorbed=gone.lead_id,
        survivor=kept.lead_id,
        why=why_survives(kept, gone),
        other_user=bool(kept.user_ids and gone.user_ids and not kept.user_ids & gone.user_ids),
    )


def merge_in_unit_of_work(
    project_id: UUID, absorbed: UUID, survivor: UUID, *, cause: Merge.Cause, by: str, now: datetime
) -> None:
    """Make a lead part of another, both of which the caller holds and knows to stand for themselves."""
    members = [absorbed, *Lead.objects.filter(merged_into=absorbed).values_list("pk", flat=True)]
    rows = {lead.pk: lead for lead in Lead.objects.filter(pk__in=[absorbed, survivor])}
    gone, kept = rows[absorbed], rows[survivor]
    known = profile.join(_profile_of(kept), _profile_of(gone))
    gave_owner = kept.owner_id is None and gone.owner_id is not None
    Lead.objects.filter(pk__in=members).update(merged_into=survivor)
    shown_as = _keys_of(kept)
    _show(kept, known, email=kept.email or gone.email, owner_id=kept.owner_id or gone.owner_id)
    note_keys(project_id, {absorbed: (_keys_of(gone), NO_KEYS), survivor: (shown_as, _keys_of(kept))})
    _settle_groups_of(project_id, [kept])
    PendingEvent.objects.filter(lead_id__in=members).update(lead_id=survivor, slot=slot_of(survivor))
    database.insert_rows(
        Merge,
        _MERGE_FIELDS,
        [(new_id(), project_id, absorbed, survivor, cause, by[:200], gave_owner, now, None)],
    )
    facts = {"leadId": str(absorbed), "into": str(survivor), "cause": str(cause), "by": by}
    _note(project_id, MERGED, facts, [survivor], now=now)
    leads_merged.send(
        sender=None, merged=LeadsMerged(project_id=project_id, absorbed=absorbed, survivor=survivor, now=now)
    )


def separate_leads(
    project_id: UUID, lead_id: UUID, other_id: UUID, *, by: str, now: datetime
) -> Separated | MergeRefused:
    """Undo the merge that made one of these two leads of a project part of the other's.

    Both are then what they would be if it had never been: each with the names, events and traits given to it, also
    those that came since. What had been merged into the separated lead before goes with it.
    """

    def work() -> Separated | MergeRefused:
        homes = homes_of([lead_id, other_id])
        if lead_id not in homes or other_id not in homes:
            return _ERASED
        home = homes[lead_id].lead_id
        if lead_id == other_id or homes[other_id].lead_id != home:
            return MergeRefused(code="not_merged", detail="These two leads are not merged with each other.")
        hold([home])
        active = {
            merge.lead_id: merge
            for merge in Merge.objects.filter(
                lead__in=[lead for lead in members_of_leads([home]) if lead != home], undone_at=None
            )
        }
        separated = other_id if other_id in active else lead_id
        _separate(project_id, active, separated, home, by=by, now=now)
        return Separated(separated=separated, survivor=home)

    return database.unit_of_work(work)


def _separate(
    project_id: UUID, active: Mapping[UUID, Merge], separated: UUID, home: UUID, *, by: str, now: datetime
) -> None:
    merge = active[separated]
    branch = _branch_of(separated, active)
    Lead.objects.filter(pk__in=branch - {separated}).update(merged_into=separated)
    Lead.objects.filter(pk=separated).update(merged_into=None)
    Merge.objects.filter(pk=merge.pk).update(undone_at=now)
    waiting = list(PendingEvent.objects.filter(lead_id=home).values_list("pk", flat=True))
    theirs = list(Event.objects.filter(pk__in=waiting, lead__in=branch).values_list("pk", flat=True))
    PendingEvent.objects.filter(pk__in=theirs).update(lead_id=separated, slot=slot_of(separated))
    rest = {home, *(active.keys() - branch)}
    keys: dict[UUID, tuple[Keys, Keys]] = {}
    for lead_id, members in ((separated, branch), (home, rest)):
        lead = Lead.objects.get(pk=lead_id)
        shown_as = _keys_of(lead) if lead_id == home else NO_KEYS
        owner_id = lead.owner_id
        if lead_id == home and merge.gave_owner and owner_id == Lead.objects.get(pk=separated).owner_id:
            owner_id = None
        _show(lead, _profile_in_log(members), email=_first_address(members), owner_id=owner_id)
        keys[lead_id] = (shown_as, _keys_of(lead))
    note_keys(project_id, keys)
    _settle_groups_of(project_id, Lead.objects.filter(pk=home))
    facts = {"leadId": str(separated), "from": str(home), "by": by}
    _note(project_id, SEPARATED, facts, [separated, home], now=now)
    leads_separated.send(
        sender=None, separated=LeadsSeparated(project_id=project_id, separated=separated, survivor=home, now=now)
    )


def _branch_of(lead_id: UUID, active: Mapping[UUID, Merge]) -> set[UUID]:
    """Return a lead and all that had become part of it, directly or not, before it was merged itself."""
    absorbed: dict[UUID, list[UUID]] = defaultdict(list)
    for merge in active.values():
        absorbed[merge.into_id].append(merge.lead_id)
    branch, look_at = set(), [lead_id]
    while look_at:
        lead = look_at.pop()
        branch.add(lead)
        look_at += absorbed[lead]
    return branch


def _note(
    project_id: UUID, event_type: str, facts: Mapping[str, str], lead_ids: Iterable[UUID], *, now: datetime
) -> None:
    """Put into the log what was done, so that the leads' queues take it up and their timelines show it."""
    event = IncomingEvent(event_type=event_type, kind="merge", properties=dict(facts))
    lines = [log.Line(event_id=str(uuid.uuid4()), event=event, lead_id=lead, home=lead) for lead in lead_ids]
    log.append(project_id, lines, now=now)


def _profile_of(lead: Lead) -> Profile:
    return Profile(traits=lead.traits, clock=lead.trait_clock)


def _profile_in_log(members: Iterable[UUID]) -> Profile:
    """Return what the events of these leads say of them."""
    known = Profile(traits={}, clock={})
    log_lines = Event.objects.filter(lead__in=members).exclude(traits={})
    for traits, occurred_at, event_id in log_lines.values_list("traits", "occurred_at", "event_id").iterator(2_000):
        known = profile.learn(known, traits, occurred_at=occurred_at, event_id=event_id)
    return known


def _keys_of(lead: Lead) -> Keys:
    return match_keys(name=lead.name, email=lead.email, company=lead.company, traits=lead.traits)


def _settle_groups_of(project_id: UUID, leads: Iterable[Lead]) -> None:
    """Judge anew who a lead may be: what was said of those merged into it holds for it, and of no others."""
    settle(project_id, {key for lead in leads for _, key in _keys_of(lead)})


def _first_address(members: Iterable[UUID]) -> str:
    addresses = Identifier.objects.filter(lead__in=members, kind=Identifier.Kind.EMAIL).order_by("pk")
    return addresses.values_list("value", flat=True).first() or ""


def _show(lead: Lead, known: Profile, *, email: str, owner_id: UUID | None) -> None:
    lead.name, lead.company = known.name, known.company
    lead.email = known.email_or(email)
    lead.traits, lead.trait_clock = dict(known.traits), dict(known.clock)
    lead.owner_id = owner_id
    lead.save(update_fields=["name", "company", "email", "traits", "trait_clock", "owner"])
