"""When to try a delivery again: the schedule of Standard Webhooks 1.0.0, used for every kind of action."""

from datetime import datetime, timedelta

# The wait after the first failed attempt, the second, …: ten attempts over about three days.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MOST_ATTEMPTS = len(WAITS) + 1
# A wait is lengthened by up to this share, so that an endpoint coming back is not met by all at once.
SPREAD = 0.2


def next_attempt_at(attempts: int, now: datetime, jitter: float) -> datetime | None:
    """Return when to try again after `attempts` failed ones, or None when it has failed for good.

    `jitter` is a random number from 0 to 1.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + WAITS[max(attempts, 1) - 1] * (1 + SPREAD * jitter)
