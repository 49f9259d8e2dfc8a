"""Lead slots: the fixed partition of leads that lead queues are built from."""

import hashlib
from uuid import UUID

SLOTS = 256


def slot_of(lead_id: UUID) -> int:
    """Return the slot (0…255) of a lead: a hash of its id, the same in every process and for ever.

    It is stored with each pending event, so it must never change; which queue works on a slot may (`scoring.routing`).
    """
    return hashlib.blake2b(lead_id.bytes, digest_size=1).digest()[0]
