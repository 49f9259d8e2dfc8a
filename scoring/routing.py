"""Which lead queue works on which lead: lead → slot (a hash) → queue (a consistent-hash ring).

Every queue has one consumer, so one lead's events are scored one batch at a time. Changing the number of queues moves
only the slots that the ring must move; a lead that moves while it is being scored is safe all the same, because
scoring locks its row.
"""

from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings
from uhashring import HashRing

from ingest.slots import SLOTS

PREFIX = "leads."


@lru_cache(maxsize=8)
def _slots_by_queue(queues: int) -> dict[str, tuple[int, ...]]:
    ring = HashRing(nodes=[f"{PREFIX}{number}" for number in range(queues)], hash_fn="ketama", replicas=1, vnodes=160)
    owned: dict[str, list[int]] = {f"{PREFIX}{number}": [] for number in range(queues)}
    for slot in range(SLOTS):
        owned[ring.get_node(f"slot-{slot}")].append(slot)
    return {queue: tuple(slots) for queue, slots in owned.items()}


def queues() -> tuple[str, ...]:
    """Return the names of all lead queues, `leads.0` onwards."""
    return tuple(_slots_by_queue(settings.LEAD_QUEUES))


def slots_by_queue() -> dict[str, tuple[int, ...]]:
    """Return the slots that each lead queue works on: together all of them, each once."""
    return _slots_by_queue(settings.LEAD_QUEUES)


def slots_of(queue: str) -> tuple[int, ...]:
    """Return the slots that a lead queue works on; a queue that no longer exists works on none."""
    return _slots_by_queue(settings.LEAD_QUEUES).get(queue, ())


def queues_of(slots: Iterable[int]) -> set[str]:
    """Return the queues that work on these slots."""
    wanted = set(slots)
    return {queue for queue, owned in _slots_by_queue(settings.LEAD_QUEUES).items() if not wanted.isdisjoint(owned)}
