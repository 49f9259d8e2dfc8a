"""Starts the processes of an installation, restarts one that dies, and ends them all.

Promises: whatever ends the supervisor, nothing it started outlives it; a process that keeps dying ends the whole, with
its reason; whoever asks it to end is obeyed within seconds.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from leadscore.running.console import Log, say
from leadscore.running.guard import Guard
from leadscore.running.processes import Process, surroundings

SECONDS_TO_END = 10.0
DEATHS_TOLERATED = 5
DEATHS_WINDOW = 60.0
FIRST_PAUSE = 0.5
LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    """One life of a child: from its start to its end."""

    running: asyncio.subprocess.Process
    output: asyncio.StreamReader

    def signal(self, number: signal.Signals) -> None:
        if self.running.returncode is not None:
            return
        # Politely to the leader, which knows how to end its own children; a kill is for the whole group.
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.running.pid, number)
            else:
                self.running.send_signal(number)

    async def copy_output(self, log: Log) -> None:
        while True:
            try:
                line = await self.output.readline()
            except ValueError:  # longer than the limit; the rest of it follows as further lines
                continue
            if not line:
                return
            log.add(line.decode(errors="replace").rstrip())


@dataclass(slots=True)
class _Child:
    process: Process
    log: Log
    life: _Life
    deaths: deque[float] = field(default_factory=deque)

    def died(self, now: float) -> None:
        self.deaths.append(now)
        while now - self.deaths[0] > DEATHS_WINDOW:
            self.deaths.popleft()

    @property
    def keeps_dying(self) -> bool:
        return len(self.deaths) >= DEATHS_TOLERATED

    @property
    def pause(self) -> float:
        return FIRST_PAUSE * 2.0 ** (len(self.deaths) - 1)


class Supervisor:
    """Runs processes until `end`. All methods belong to one event loop."""

    def __init__(self, *, logs: Path) -> None:
        self._logs = logs
        self._tiers: list[list[_Child]] = []
        self._watches: list[asyncio.Task[None]] = []
        self._ending = asyncio.Event()
        self._spawning = asyncio.Lock()
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._guard = Guard()

    async def start(self, processes: Iterable[Process]) -> None:
        """Start processes and watch them. What is started by a later call relies on what an earlier one started."""
        tier: list[_Child] = []
        self._tiers.append(tier)
        for process in processes:
            log = Log(process.name, directory=self._logs, on_console=not process.chatty)
            child = _Child(process=process, log=log, life=await self._spawn(process))
            tier.append(child)
            self._watches.append(asyncio.create_task(self._watch(child), name=process.name))

    async def failure(self) -> str:
        """Wait until a process cannot be kept alive; return the reason and its last words."""
        return await asyncio.shield(self._failure)

    async def end(self) -> None:
        """End every process, those others rely on last; kill what does not end in time."""
        async with self._spawning:
            self._ending.set()
        for child in self._children():
            child.log.leave_console()  # programs that end say so, and nobody asked
        for tier in reversed(self._tiers):
            await self._end(tier)
        await asyncio.gather(*self._watches)
        await asyncio.to_thread(self._guard.close)

    def kill(self) -> None:
        """Kill every process at once, for whoever will not wait."""
        for child in self._children():
            child.life.signal(signal.SIGKILL)

    def _children(self) -> Iterator[_Child]:
        return itertools.chain.from_iterable(self._tiers)

    async def _end(self, tier: list[_Child]) -> None:
        for child in tier:
            child.life.signal(signal.SIGTERM)
        waiting = [asyncio.create_task(child.life.running.wait()) for child in tier]
        if not waiting:
            return
        _, late = await asyncio.wait(waiting, timeout=SECONDS_TO_END)
        if late:
            for child in tier:
                child.life.signal(signal.SIGKILL)
            await asyncio.wait(late)

    async def _spawn(self, process: Process) -> _Life:
        # Not a pipe of asyncio's: with one, it counts a process as running for as long as anybody holds the other end,
        # and a killed server whose own child lives on would never be noticed.
        reading, writing = os.pipe()
        try:
            running = await asyncio.create_subprocess_exec(
                *self._guard.leashed(process.command),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                pass_fds=[self._guard.pipe],
                start_new_session=True,
                env=surroundings(),
            )
        finally:
            os.close(writing)
        output = asyncio.StreamReader(limit=LONGEST_LINE)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", buffering=0)
        )
        return _Life(running=running, output=output)

    async def _watch(self, child: _Child) -> None:
        while await self._lived_and_died(child):
            say(f"{child.process.name} is started again in {child.pause:.1f} seconds.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), child.pause)
            async with self._spawning:
                if self._ending.is_set():
                    break
                child.life = await self._spawn(child.process)
        child.log.close()

    async def _lived_and_died(self, child: _Child) -> bool:
        """Wait for the end of one life of the child; return whether it is to have another."""
        reading = asyncio.create_task(child.life.copy_output(child.log))
        code = await child.life.running.wait()
        self._sweep(child.life.running.pid)
        await reading
        if self._ending.is_set():
            return False
        say(f"{child.process.name} ended with {_describe(code)}.")
        child.died(time.monotonic())
        if child.keeps_dying and not self._failure.done():
            self._failure.set_result(_obituary(child, code))
        return not child.keeps_dying

    def _sweep(self, group: int) -> None:
        # What a dead process leaves behind of its own children would hold its port or its queues.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._guard.release(group)


def _describe(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _obituary(child: _Child, code: int) -> str:
    last = "".join(f"\n  {line}" for line in child.log.last_lines())
    return (
        f"{child.process.name} ended {DEATHS_TOLERATED} times within {DEATHS_WINDOW:.0f} seconds, "
        f"the last time with {_describe(code)}. Its last words:{last or ' none'}"
    )
