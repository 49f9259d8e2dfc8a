"""Several workers at once: two drains of the same slots, while events arrive and while a rescore runs."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from ingest.slots import SLOTS
from scoring.models import ScoreEntry
from scoring.services.drain import drain
from scoring.services.rescore import batches, preview_leads, rescore_leads
from tests.scoring.builders import (
    LATER,
    NOON,
    Listener,
    drain_all,
    event,
    make_project,
    pending,
    projections,
    standing,
    take_in,
)

pytestmark = pytest.mark.django_db(transaction=True)
LEADS, ROUNDS = 12, 10


def at_once(*works: Callable[[], object], seconds: float = 60) -> None:
    """Run these in threads of their own, all at once, and fail if one of them fails or does not end."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            work()
        except BaseException as error:  # noqa: BLE001  (it is raised below)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for somebody for ever"
    assert errors == []


def test_workers_a_rescore_and_requests_at_once_lose_and_double_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.services.drain.MAX_EVENTS", 30)
    monkeypatch.setattr("scoring.services.rescore.MAX_LEADS", 5)
    project = make_project()
    users = [f"user-{number}" for number in range(LEADS)]
    take_in(project, *(event("page_view", NOON, user=user) for user in users))
    arrived = threading.Event()

    def arrive() -> None:
        for number in range(ROUNDS):
            # The second half is late, so that leads are folded again meanwhile.
            at = NOON + timedelta(minutes=number if number < ROUNDS / 2 else -number)
            take_in(project, *(event("page_view", at, user=user) for user in users))
        arrived.set()

    def work() -> None:
        while not arrived.is_set() or pending():
            drain(range(SLOTS), now=LATER)

    def rescore() -> None:
        while not arrived.is_set():
            for chunk in batches(project.pk):
                rescore_leads(project.pk, chunk, now=LATER)

    with Listener() as heard:
        at_once(arrive, work, work, rescore)
        drain_all()

    assert {standing(project, user)[0] for user in users} == {5 * (ROUNDS + 1)}
    assert ScoreEntry.objects.count() == LEADS * (ROUNDS + 1)
    assert len(heard.attributed) == len(set(heard.attributed))
    before = projections()
    leads = list(project.leads.values_list("pk", flat=True))
    assert preview_leads(project.pk, leads, now=LATER).movers == []
    rescore_leads(project.pk, leads, now=LATER)
    assert projections() == before
