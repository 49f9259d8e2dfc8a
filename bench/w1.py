"""Workload W1 against a running system: is every lead's score right, and how fast does it get there?

10,000 events over 1,000 leads (50 % page_view, 30 % feature_used, 10 % signup, 10 % identify), every tenth one sent
twice, timestamps shuffled, from several concurrent clients. Afterwards every lead's score is computed anew from what
was sent, by the published rules alone, and compared. Exits with 1 if a single lead is wrong.

    python -m bench.w1 --demo var/demo.json
"""

import argparse
import http.client
import json
import random
import statistics
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MIX = (("page_view", 50), ("feature_used", 30), ("signup", 10), ("identify", 10))
POINTS = {"page_view": 5, "signup": 20}
CAP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to send, and with which key."""

    url: str
    key: str


class Client:
    """One connection that is kept open, as a server-side client would."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.target.url)
        return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.target.key}", "Content-Type": "application/json"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content.decode()[:300]}")
        answer: dict[str, Any] = json.loads(content)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one client saw: seconds per request, when it began and ended, and what was accepted."""

    waits: list[float]
    accepted: int
    duplicates: int


def workload(events: int, leads: int, *, duplicates: float, run: str, seed: int) -> list[dict[str, Any]]:
    """Return the events to send, those sent twice included, in a random order."""
    chance = random.Random(seed)
    kinds, weights = [kind for kind, _ in MIX], [weight for _, weight in MIX]
    newest = datetime.now(UTC).replace(microsecond=0)
    unique = [
        {
            "eventId": f"{run}-{number}",
            "eventType": kind,
            "userId": f"{run}-lead-{chance.randrange(leads)}",
            "timestamp": (newest - timedelta(seconds=chance.randrange(86_400 * 30))).isoformat(),
            "properties": {"plan": chance.choice(("free", "pro"))},
        }
        for number, kind in enumerate(chance.choices(kinds, weights, k=events))
    ]
    doubled = unique + chance.sample(unique, int(events * duplicates))
    chance.shuffle(doubled)
    return doubled


def expected_scores(events: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return each lead's score by the default rules: distinct events, in event order, clamped step by step."""
    by_lead: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for event in events:
        by_lead[event["userId"]][event["eventId"]] = event
    scores = {}
    for lead, own in by_lead.items():
        score = 0
        for event in sorted(own.values(), key=lambda event: (event["timestamp"], event["eventId"])):
            score = min(CAP, max(0, score + POINTS.get(event["eventType"], 0)))
        scores[lead] = score
    return scores


def send(target: Target, events: Sequence[dict[str, Any]], batch: int) -> Sent:
    """Send events one by one, or in batches, over one connection."""
    client = Client(target)
    waits, accepted, duplicates = [], 0, 0
    for start in range(0, len(events), batch):
        began = time.perf_counter()
        if batch == 1:
            status = client.call("POST", "/api/events", events[start])["status"]
            accepted, duplicates = accepted + (status == "queued"), duplicates + (status == "duplicate")
        else:
            answer = client.call("POST", "/api/events/batch", {"events": events[start : start + batch]})
            accepted, duplicates = accepted + answer["accepted"], duplicates + answer["duplicates"]
        waits.append(time.perf_counter() - began)
    return Sent(waits=waits, accepted=accepted, duplicates=duplicates)


def probe(target: Target, run: str, seconds: float) -> list[float]:
    """Fire an event for a fresh lead again and again, and return the seconds from its 202 until its score shows."""
    client = Client(target)
    waits = []
    end = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < end and number < 500:
        number += 1
        user = f"{run}-probe-{number}"
        answer = client.call("POST", "/api/events", {"eventType": "page_view", "userId": user})
        began = time.perf_counter()
        while client.call("GET", f"/api/leads/{answer['leadId']}")["currentScore"] != POINTS["page_view"]:
            if time.perf_counter() - began > 120:
                raise RuntimeError("An accepted event was not scored within two minutes.")
            time.sleep(0.005)
        waits.append(time.perf_counter() - began)
        time.sleep(0.05)
    return waits


def lead_ids(target: Target, events: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the id of each lead that was sent for, learned by sending one of its events again."""
    client = Client(target)
    one_each = {event["userId"]: event for event in events}
    return {user: client.call("POST", "/api/events", event)["leadId"] for user, event in one_each.items()}


def scores(target: Target) -> Iterator[tuple[str, float]]:
    """Yield the score of every lead of the project."""
    client = Client(target)
    path: str | None = "/api/leads?limit=200"
    while path:
        page = client.call("GET", path)
        for lead in page["results"]:
            yield lead["id"], lead["currentScore"]
        path = page["next"] and page["next"].removeprefix(target.url)


def percentiles(seconds: Sequence[float]) -> str:
    """Return the median, 95th and 99th percentile and the maximum in milliseconds."""
    if len(seconds) < 2:
        return "too few"
    cuts = statistics.quantiles(seconds, n=100)
    shown = (("p50", cuts[49]), ("p95", cuts[94]), ("p99", cuts[98]), ("max", max(seconds)))
    return "  ".join(f"{name} {value * 1000:,.1f} ms" for name, value in shown)


def main() -> int:
    """Run the workload and report; return the exit code."""
    options = _options()
    demo = json.loads(Path(options.demo).read_text())
    target = Target(url=demo["url"], key=demo["secretKey"])
    run = uuid.uuid4().hex[:8]
    events = workload(options.events, options.leads, duplicates=0.1, run=run, seed=options.seed)
    expected = expected_scores(events)
    parts = [events[number :: options.clients] for number in range(options.clients)]

    with ProcessPoolExecutor(options.clients + 1) as pool:
        began = time.perf_counter()
        probing = pool.submit(probe, target, run, options.probe_seconds) if options.probe_seconds else None
        results = list(pool.map(send, [target] * len(parts), parts, [options.batch] * len(parts)))
        accepted_in = time.perf_counter() - began
        latencies = probing.result() if probing else []

    ids = lead_ids(target, events)
    deadline = time.perf_counter() + options.patience
    while True:
        found = dict(scores(target))
        wrong = {user for user, score in expected.items() if found.get(ids[user]) != score}
        if not wrong or time.perf_counter() > deadline:
            break
        time.sleep(0.2)
    scored_in = time.perf_counter() - began

    accepted = sum(result.accepted for result in results)
    requests = [wait for result in results for wait in result.waits]
    print(f"sent        {len(events):,} events from {options.clients} clients, {options.batch} a request")
    print(f"accepted    {accepted:,} and {sum(result.duplicates for result in results):,} duplicates")
    print(f"accepted/s  {len(events) / accepted_in:,.0f}   a request: {percentiles(requests)}")
    print(f"scored/s    {accepted / scored_in:,.0f}   from the first request until every score was read back")
    print(f"202→scored  {percentiles(latencies)}   ({len(latencies)} probes)")
    print(f"leads       {len(expected):,}, of which {len(wrong)} wrong")
    return 1 if wrong or accepted != options.events else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", default="var/demo.json", help="the demo.json of the running system")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--leads", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--batch", type=int, default=1, help="events a request")
    parser.add_argument("--probe-seconds", type=float, default=5)
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait until all is scored")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
