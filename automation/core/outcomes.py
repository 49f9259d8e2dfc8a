"""What an attempt at an action led to, in words a person can act on."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is to become of the delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"  # trying again would not help
    GONE = "gone"  # the receiver said never again: the action is switched off


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict and its reason. `unreachable`: nobody answered, so the endpoint is left alone for a while."""

    verdict: Verdict
    detail: str
    unreachable: bool = False
