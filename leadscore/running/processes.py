"""The processes an installation consists of, and the one place where their command lines stand.

`manage.py up` starts them all; `manage.py run ROLE` becomes one of them, as containers and
service units do.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DELIVERY_QUEUES = ("deliveries", "system", "imports")
WEB_THREADS = 8
DELIVERY_CHILDREN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One long-running program of the system: the name its log lines carry, and how it is started."""

    name: str
    command: tuple[str, ...]
    chatty: bool = False  # its output goes to its file only


def surroundings() -> dict[str, str]:
    """Return the environment that processes are started with: they find this code from whatever directory."""
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def share_of(queues: Sequence[str], *, number: int, of: int) -> tuple[str, ...]:
    """Return the queues that consumer `number` (from 1) of `of` consumers reads: every queue has exactly one."""
    return tuple(queues[number - 1 :: of])


def web(*, host: str, port: int, workers: int) -> Process:
    """Return the web server. Its threads wait for the database; its workers use the processors."""
    return Process(
        name="web",
        command=(
            *_python("granian"),
            *("--interface", "wsgi", "--no-ws", "--log-level", "error"),
            *("--host", host, "--port", str(port)),
            *("--workers", str(workers), "--blocking-threads", str(WEB_THREADS)),
            # A client that keeps its connection open must not keep the system from ending.
            *("--workers-kill-timeout", "5"),
            "leadscore.wsgi:application",
        ),
    )


def lead_worker(*, number: int, of: int, queues: Sequence[str]) -> Process:
    """Return lead worker `number` of `of`: one child, so that events of a lead are scored one after the other."""
    share = share_of(queues, number=number, of=of)
    return Process(name=f"leads-{number}", command=_worker(f"leads-{number}", queues=share, children=1))


def delivery_worker() -> Process:
    """Return the worker that delivers what automations decided, and does the system's own chores."""
    return Process(name="deliveries", command=_worker("deliveries", queues=DELIVERY_QUEUES, children=DELIVERY_CHILDREN))


def beat(*, home: Path) -> Process:
    """Return the clock: it sends the periodic tasks. Exactly one may run."""
    return Process(
        name="beat",
        command=(
            *_python("celery"),
            *("-q", "-A", "leadscore", "beat", "--loglevel", "WARNING"),
            *("--schedule", str(home / "beat-schedule"), "--pidfile="),
        ),
    )


def _worker(name: str, *, queues: Sequence[str], children: int) -> tuple[str, ...]:
    return (
        # Celery warns whoever runs as root about a serializer that is not in use here.
        *(sys.executable, "-W", "ignore:You're running the worker with superuser privileges", "-m", "celery"),
        *("-q", "-A", "leadscore", "worker", "--loglevel", "WARNING"),
        *("--hostname", f"{name}@%h", "--queues", ",".join(queues)),
        *("--pool", "prefork", "--concurrency", str(children)),
        # Workers need not know of each other: no chatter, and a start that does not wait for answers.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)
