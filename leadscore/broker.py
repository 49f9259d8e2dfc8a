"""Whether the broker answers, whichever kind it is."""

import kombu


def trouble(url: str, *, seconds: int) -> str | None:
    """Return in a few words why the broker at `url` cannot be used, `None` if it can."""
    try:
        with kombu.Connection(url, connect_timeout=seconds) as broker:
            # Each transport has errors of its own, such as a log-in that is refused.
            refusals: tuple[type[BaseException], ...] = (
                OSError,
                kombu.exceptions.KombuError,
                *broker.connection_errors,
                *broker.channel_errors,
            )
            try:
                broker.ensure_connection(max_retries=1, timeout=seconds)
            except refusals as error:
                return _first_line(error)
    except (KeyError, ValueError, ImportError) as error:  # it is no URL of a broker
        return _first_line(error)
    return None


def _first_line(error: BaseException) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0].rstrip(".")
