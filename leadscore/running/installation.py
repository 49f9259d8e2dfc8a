"""One installation from start to end: Redis first, then what prepares the data, then everything that serves."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx

from leadscore.running import processes
from leadscore.running.console import say
from leadscore.running.embedded_redis import prepare_socket, redis_server, wait_until_it_answers
from leadscore.running.errors import CannotRun
from leadscore.running.processes import Process
from leadscore.running.supervisor import Supervisor

SECONDS_TO_BE_READY = 90.0
Result = TypeVar("Result")
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is to run, and where."""

    home: Path
    port: int
    web_workers: int
    lead_queues: tuple[str, ...]
    lead_workers: int
    redis_socket: Path | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[Process]:
        """Return what serves, apart from the embedded Redis it may rely on."""
        return [
            processes.web(host="127.0.0.1", port=self.port, workers=self.web_workers),
            *(
                processes.lead_worker(number=number, of=self.lead_workers, queues=self.lead_queues)
                for number in range(1, self.lead_workers + 1)
            ),
            processes.delivery_worker(),
            processes.beat(home=self.home),
        ]


class FirstLook(Protocol[Prepared]):
    """What is done on the way, each in a thread: `prepare` once Redis answers, `ready` with its result once all do."""

    def prepare(self) -> Prepared: ...

    def ready(self, prepared: Prepared, /) -> None: ...


class _AskedToEnd(Exception):
    pass


async def run(installation: Installation, first_look: FirstLook[Prepared], *, parent: int | None) -> None:
    """Run the installation until a signal ends it, or the end of `parent`; raise `CannotRun` if it cannot go on."""
    asked = asyncio.Event()
    supervisor = Supervisor(logs=installation.home / "logs")
    _listen_for_signals(asked, supervisor)
    course = _Course(supervisor, asked)
    orphaned = asyncio.create_task(_end_with(parent, asked))
    try:
        await course.take(installation, first_look)
    except _AskedToEnd:
        say("Ending …")
    finally:
        orphaned.cancel()
        await supervisor.end()
        if installation.redis_socket:
            installation.redis_socket.unlink(missing_ok=True)


class _Course:
    """The steps of a run, any of which ends early when somebody asks or a process cannot be kept alive."""

    def __init__(self, supervisor: Supervisor, asked: asyncio.Event) -> None:
        self._supervisor = supervisor
        self._asked = asked

    async def take(self, installation: Installation, first_look: FirstLook[Prepared]) -> None:
        if installation.redis_socket:
            await self._start_redis(installation.redis_socket)
        prepared = await self._unless_it_ends(asyncio.to_thread(first_look.prepare))
        await self._supervisor.start(installation.processes())
        await self._unless_it_ends(_until_ready(f"{installation.url}/readyz"))
        await self._unless_it_ends(asyncio.to_thread(first_look.ready, prepared))
        await self._unless_it_ends(_for_ever())

    async def _start_redis(self, socket: Path) -> None:
        prepare_socket(socket)
        await self._supervisor.start([redis_server(socket)])
        await self._unless_it_ends(asyncio.to_thread(wait_until_it_answers, socket))

    async def _unless_it_ends(self, work: Coroutine[Any, Any, Result]) -> Result:
        wanted = asyncio.create_task(work)
        asked = asyncio.create_task(self._asked.wait())
        failed = asyncio.create_task(self._supervisor.failure())
        try:
            await asyncio.wait([wanted, asked, failed], return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                raise CannotRun(failed.result())
            if asked.done():
                raise _AskedToEnd
            return wanted.result()
        finally:
            for task in (wanted, asked, failed):
                task.cancel()


def _listen_for_signals(asked: asyncio.Event, supervisor: Supervisor) -> None:
    def end() -> None:
        if asked.is_set():  # asked twice: whoever asks will not wait
            supervisor.kill()
            os._exit(1)
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Started by nohup, a hang-up is not meant for us.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, end)


async def _end_with(parent: int | None, asked: asyncio.Event) -> None:
    while parent in {None, os.getppid()}:  # noqa: ASYNC110 - the kernel offers nothing to wait on
        await asyncio.sleep(0.5)
    asked.set()


async def _until_ready(url: str) -> None:
    answer = "no answer"
    deadline = asyncio.get_running_loop().time() + SECONDS_TO_BE_READY
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while asyncio.get_running_loop().time() < deadline:
            try:
                response = await client.get(url)
            except httpx.HTTPError as error:
                answer = str(error)
            else:
                if response.is_success:
                    return
                answer = response.text
            await asyncio.sleep(0.2)
    raise CannotRun(f"The system was not ready within {SECONDS_TO_BE_READY:.0f} seconds: {answer}")


async def _for_ever() -> None:
    await asyncio.Event().wait()
