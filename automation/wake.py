"""Wake the deliveries: one waiting task at most, however many runs there are.

A hint only: the beat schedule finds what is due anyway, so a broker that is down costs seconds, nothing else.
"""

from scoring import wake

QUEUE = "deliveries"


def wake_deliveries() -> None:
    """Ask a worker to carry out what is due now."""
    from automation.tasks import deliver_due  # the task calls the services, and these wake it

    wake.wake(deliver_due, [QUEUE])


def deliveries_awake() -> None:
    """Let the next run wake the deliveries again. To be called before looking for what is due."""
    wake.lower_flag(QUEUE)
