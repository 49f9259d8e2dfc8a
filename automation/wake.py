"""Wake the deliveries. A hint only: the beat schedule finds what is due, a broker that is down costs time."""


def wake_deliveries() -> None:
    """Ask a worker to carry out what is due now."""
