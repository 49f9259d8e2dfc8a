"""Leaving alone for a moment what has just failed, instead of letting every request wait for it anew."""

import time


class Pause:
    """A moment after a failure in which not to try again. Racing threads at worst try once more."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._until = 0.0  # in monotonic seconds

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> None:
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        self._until = 0.0
