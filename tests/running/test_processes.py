"""Which processes there are: up, Compose and the documentation must name the same ones."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from leadscore.running import processes
from leadscore.running.installation import Installation
from scoring import routing

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def installation(*, workers: int) -> Installation:
    return Installation(
        home=Path("/home"),
        port=8000,
        web_workers=1,
        lead_queues=routing.queues(),
        lead_workers=workers,
        redis_socket=None,
    )


def queues_of(command: tuple[str, ...]) -> list[str]:
    return command[command.index("--queues") + 1].split(",") if "--queues" in command else []


class Became(Exception):
    pass


@pytest.fixture
def becomes(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(_: str, command: tuple[str, ...], __: dict[str, str]) -> None:
        raise Became(command)

    monkeypatch.setattr("os.execvpe", become)


@given(st.integers(1, 256), st.data())
def test_every_queue_belongs_to_exactly_one_share(count: int, data: st.DataObject) -> None:
    queues = [f"leads.{number}" for number in range(count)]
    of = data.draw(st.integers(1, count))
    shares = [processes.share_of(queues, number=number, of=of) for number in range(1, of + 1)]
    assert sorted(queue for share in shares for queue in share) == sorted(queues)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_up_consumes_every_queue_once(workers: int) -> None:
    consumed = [queue for process in installation(workers=workers).processes() for queue in queues_of(process.command)]
    assert sorted(consumed) == sorted([*routing.queues(), *processes.DELIVERY_QUEUES])


def test_every_periodic_task_goes_to_a_queue_that_is_consumed() -> None:
    schedule: Any = settings.CELERY_BEAT_SCHEDULE
    queues = {entry["options"]["queue"] for entry in schedule.values()}
    assert queues <= set(processes.DELIVERY_QUEUES)


@pytest.mark.usefixtures("becomes")
def test_compose_runs_what_up_runs() -> None:
    up = {process.name: queues_of(process.command) for process in installation(workers=2).processes()}
    assert {name: queues_of(command_of(name)) for name in up} == up
    assert set(COMPOSE["services"]) == {*up, "migrate", "postgres", "redis"}


def command_of(service: str) -> tuple[str, ...]:
    with pytest.raises(Became) as became:
        call_command(*COMPOSE["services"][service]["command"])
    command: tuple[str, ...] = became.value.args[0]
    return command


def test_compose_waits_for_what_a_process_needs_and_checks_what_others_wait_for() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert ":" in service["image"] or "build" in service, name
    assert all("healthcheck" in services[name] for name in ("web", "postgres", "redis"))
    assert services["leads-1"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


@pytest.mark.usefixtures("becomes")
def test_the_documented_commands_exist() -> None:
    documented = re.findall(r"`manage\.py (run [^`]+)`", (ROOT / "docs/operations.md").read_text())
    assert len(documented) >= 4
    for line in documented:
        with pytest.raises(Became):
            call_command(*shlex.split(line))


@pytest.mark.parametrize("share", ["0/1", "2/1", "1", "a/b", "1/0", "-1/2"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(CommandError, match="is not a share"):
        call_command("run", "worker", f"--share={share}")


def test_more_shares_than_queues_are_refused() -> None:
    with pytest.raises(CommandError, match="raise LEAD_QUEUES"):
        call_command("run", "worker", "--share", "1/999")
