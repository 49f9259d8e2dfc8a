"""`/metrics`: the state of the whole installation in Prometheus text, computed at scrape from the database.

Nothing is counted in passing, so the numbers are the same whichever process answers and survive every restart. (But for
refused events, of which the database knows nothing: they are counted in Redis.)
Every query reads an index and is cheap on a large installation.
"""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import redis
from django.db import DatabaseError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from automation.models import Delivery
from ingest import refusals
from ingest.ids import first_id_at
from ingest.models import Event
from ingest.selectors import oldest_pending_at, pending_count
from leadscore import heartbeat
from scoring.models import DeadLetter

NO_ID = UUID(int=0)
SETTLED = timedelta(minutes=2)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every metric, or 503 while the database does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Installation())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError:
        return HttpResponse(
            "The database does not answer.\n",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            content_type="text/plain; charset=utf-8",
        )


class EventTally:
    """Counts the event log without reading all of it at every scrape.

    Ids sort by time, so what is older than two minutes is counted once per process and only the rest every time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted = 0
        self._up_to = NO_ID

    def total(self, now: datetime) -> int:
        """Return how many events are stored. Events erased since they were counted are still in it."""
        settled = first_id_at(now - SETTLED)
        with self._lock:
            if settled > self._up_to:
                self._counted += Event.objects.filter(pk__gte=self._up_to, pk__lt=settled).count()
                self._up_to = settled
            return self._counted + Event.objects.filter(pk__gte=self._up_to).count()


tally = EventTally()


class _Installation(Collector):
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield CounterMetricFamily("leadscore_events_stored", "Events in the log.", value=tally.total(now))
        yield _refused()
        yield from _pending(now)
        yield GaugeMetricFamily(
            "leadscore_dead_letters",
            "Events parked because scoring them kept failing.",
            value=DeadLetter.objects.filter(discarded=False).count(),
        )
        yield _deliveries()
        yield from _heartbeat()


def _refused() -> Metric:
    family = CounterMetricFamily(
        "leadscore_events_refused",
        "What clients of Segment's API and webhooks sent and was not stored, by reason.",
        labels=["code"],
    )
    for code, events in sorted(refusals.counted().items()):
        family.add_metric([code], events)
    return family


def _pending(now: datetime) -> Iterator[Metric]:
    yield GaugeMetricFamily("leadscore_events_pending", "Events stored but not scored yet.", value=pending_count())
    oldest = oldest_pending_at()
    yield GaugeMetricFamily(
        "leadscore_events_pending_oldest_seconds",
        "How long the event that has waited longest is overdue.",
        value=max(0.0, (now - oldest).total_seconds()) if oldest else 0,
    )


def _deliveries() -> Metric:
    family = GaugeMetricFamily("leadscore_deliveries", "Deliveries of automations by status.", labels=["status"])
    counts = dict(Delivery.objects.order_by().values_list("status").annotate(Count("pk")))
    for status in Delivery.Status:
        family.add_metric([status.value], counts.get(status.value, 0))
    return family


def _heartbeat() -> Iterator[Metric]:
    try:
        age = heartbeat.age()
    except redis.RedisError:
        age = None
    if age is not None:
        yield GaugeMetricFamily("leadscore_heartbeat_age_seconds", "How long ago beat was last heard of.", value=age)
