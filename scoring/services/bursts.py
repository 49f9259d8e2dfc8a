"""Take the clicks of mail gateways out of a batch before it is scored, and out of the scores where they are already.

A burst shows only when its last click is there. By then its first may have been scored: its lead is folded again
without them, and that fires nothing, because the lead has done nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from ingest.core.bursts import in_bursts
from ingest.models import Event
from ingest.selectors import LogRow, burst_rules, mail_events_around
from ingest.services import verdicts
from scoring.services.rescore import refold

_ACTIVITY = Event.Kind.ACTIVITY.value
_Batch = dict[UUID, list[LogRow]]


def set_aside(batch: _Batch, projects: Mapping[UUID, UUID], *, now: datetime) -> _Batch:
    """Return a batch, `{lead: events}`, without what belongs to bursts, as a part of the caller's unit of work.

    One query where no lead clicked or opened a mail. Whether clicks are a burst is decided among those that were given
    to one lead, so that it stays what it was when leads are merged and separated.
    """
    rules = burst_rules({projects[lead_id] for lead_id in batch}) if batch else {}
    around: dict[UUID, dict[UUID, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    homes: dict[UUID, UUID] = {}
    for lead_id, rows in batch.items():
        if (rule := rules.get(projects[lead_id])) is None:
            continue
        for row in rows:
            if row[3] == _ACTIVITY and row[4] in rule.event_types:
                around[projects[lead_id]][row[2]].append(row[5])
                homes[row[2]] = lead_id
    aside: set[UUID] = set()
    for project_id, moments in around.items():
        rule = rules[project_id]
        bursts = {lead_id: in_bursts(mail, rule) for lead_id, mail in mail_events_around(moments, rule).items()}
        keys = frozenset[UUID]().union(*bursts.values())
        if not keys:
            continue
        new, scored = verdicts.exclude_bursts(project_id, keys, now=now)
        aside |= new
        refold(project_id, sorted({homes[lead_id] for lead_id, own in bursts.items() if own & scored}), now=now)
    return _without(batch, aside) if aside else batch


def _without(batch: _Batch, aside: Collection[UUID]) -> _Batch:
    left = {lead_id: [row for row in rows if row[0] not in aside] for lead_id, rows in batch.items()}
    return {lead_id: rows for lead_id, rows in left.items() if rows}
