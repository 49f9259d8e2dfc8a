"""`manage.py up` as people use it: it starts everything, and leaves nothing running, however it ends."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.system.installation import System, eventually, free_port, refused, running

pytestmark = pytest.mark.system


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # A mail would be printed on the console, whenever the worker gets to it: sooner or later than somebody looks there.
    environment = {"EMAIL_URL": "dummymail://"}
    with running(tmp_path_factory.mktemp("system") / "home", environment=environment) as system:
        system.wait_until_ready()
        yield system


def test_it_is_healthy_and_ready(system: System) -> None:
    assert system.get("/healthz").json() == {"status": "ok"}
    assert system.get("/readyz").json() == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "migrations": "ok",
        "beat": "ok",
    }


def test_the_demo_file_is_complete_and_private(system: System) -> None:
    path = system.home / "demo.json"
    demo = json.loads(path.read_text())
    assert set(demo) == {"url", "username", "password", "writeKey", "secretKey", "projectId"}
    assert demo["url"] == system.url
    assert demo["writeKey"].startswith("pk_")
    assert demo["secretKey"].startswith("sk_")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_it_writes_is_for_its_owner_only_even_in_a_home_that_others_may_enter(system: System) -> None:
    written = [path for path in system.home.rglob("*") if not path.is_dir()]
    assert {"leadscore.sqlite3", "secret_key", "redis.log"} <= {path.name for path in written}
    assert [path.name for path in written if path.stat().st_mode & 0o077] == []


def test_an_event_is_scored(system: System) -> None:
    demo = json.loads((system.home / "demo.json").read_text())
    lead = track(system, demo["writeKey"], {"eventType": "demo_request", "userId": "grace"})["leadId"]
    secret = {"Authorization": f"Bearer {demo['secretKey']}"}
    eventually("a score of 50", lambda: score(system, lead, secret) == 50)


def score(system: System, lead: str, headers: dict[str, str]) -> float:
    answer = httpx.get(f"{system.url}/api/leads/{lead}", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return float(answer.json()["currentScore"])


def test_what_one_needs_for_a_first_look_is_printed(system: System) -> None:
    demo = json.loads((system.home / "demo.json").read_text())
    for value in demo.values():
        if value != demo["projectId"]:
            assert value in system.output()


def test_the_console_is_free_of_framework_chatter(system: System) -> None:
    assert [line for line in system.output().splitlines() if " | " in line] == []


def test_every_process_has_a_log(system: System) -> None:
    assert (system.home / "logs" / "redis.log").exists()


def test_nothing_but_the_web_port_is_open(system: System) -> None:
    ports = {
        connection.laddr.port
        for process in system.processes()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert ports == {system.port}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web", "granian"),
        ("leads-1", "leads-1@"),
        ("deliveries", "deliveries@"),
        ("beat", "celery -q -A leadscore beat"),
    ],
)
def test_a_killed_process_is_started_again_and_leaves_none_of_its_own(system: System, name: str, words: str) -> None:
    killed = system.children(words)
    killed[0].kill()
    eventually(f"another {name}", lambda: len(set(system.children(words)) - set(killed)) == len(killed))
    eventually("the old ones gone", lambda: not set(system.children(words)) & set(killed))
    eventually("ready again", lambda: is_ready(system), seconds=45)
    assert f"{name} ended with signal SIGKILL." in system.output()


def is_ready(system: System) -> bool:
    try:
        return system.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_redis_is_started_again_and_the_system_becomes_ready_again(system: System) -> None:
    (redis,) = system.children("redis-server")
    redis.kill()
    eventually("another redis", lambda: len(set(system.children("redis-server")) - {redis}) == 1)
    eventually("ready again", lambda: is_ready(system), seconds=45)


def test_a_second_run_on_the_same_home_is_refused_and_the_first_goes_on(system: System) -> None:
    refusal = refused(system.home)
    assert f"already running in {system.home} (process {system.process.pid})" in refusal
    assert "Traceback" not in refusal
    assert system.get("/healthz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything(home: Path, number: signal.Signals) -> None:
    with running(home) as system:
        system.wait_until_ready()
        assert system.end(number) == 0
        system.assert_nothing_is_left()


def test_a_process_that_does_not_react_is_killed(home: Path) -> None:
    with running(home) as system:
        system.wait_until_ready()
        system.children("leads-1@")[0].suspend()
        assert system.end() == 0
        system.assert_nothing_is_left()


def test_a_signal_during_the_start_ends_everything(home: Path) -> None:
    with running(home) as system:
        eventually("redis", (home / "redis.sock").exists)
        assert system.end() == 0
        system.assert_nothing_is_left()


def test_a_kill_of_up_leaves_no_children(home: Path) -> None:
    with running(home, environment={"WORKERS": "2", "WEB_WORKERS": "2"}) as system:
        system.wait_until_ready()
        assert len(system.processes()) > 10
        system.end(signal.SIGKILL)
        eventually("all gone", lambda: system.processes() == [], seconds=10)
        with running(home, port=system.port) as again:
            again.wait_until_ready()


def test_a_second_run_keeps_the_data_and_the_keys(home: Path) -> None:
    port = free_port()
    with running(home, port=port) as system:
        system.wait_until_ready()
        first = json.loads((home / "demo.json").read_text())
        sent = {"eventType": "signup", "userId": "ada", "eventId": "kept"}
        assert track(system, first["writeKey"], sent)["status"] == "queued"
        system.end()
    with running(home, port=port) as system:
        system.wait_until_ready()
        assert json.loads((home / "demo.json").read_text()) == first
        assert track(system, first["writeKey"], sent)["status"] == "duplicate"


def track(system: System, key: str, event: dict[str, str]) -> dict[str, str]:
    answer = httpx.post(
        f"{system.url}/api/events", json=event, headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.status_code == 202, answer.text
    body: dict[str, str] = answer.json()
    return body


def test_it_may_be_started_from_any_directory(tmp_path: Path) -> None:
    with running(tmp_path / "home", directory=tmp_path) as system:
        system.wait_until_ready()


def test_a_home_too_deep_for_a_socket_works(tmp_path: Path) -> None:
    with running(tmp_path / ("deep" * 30) / "home") as system:
        system.wait_until_ready()
        (redis,) = system.children("redis-server")
        command = redis.cmdline()
        assert system.end() == 0
        system.assert_nothing_is_left()
    assert not any(os.path.lexists(word) for word in command if word.endswith(".sock"))


def test_a_child_that_keeps_dying_ends_the_whole_with_its_last_words(home: Path, tmp_path: Path) -> None:
    impostor = tmp_path / "bin" / "redis-server"
    impostor.parent.mkdir()
    impostor.write_text("#!/bin/sh\necho this is no server\nexit 3\n")
    impostor.chmod(0o755)
    refusal = refused(home, environment={"PATH": f"{impostor.parent}:{os.environ['PATH']}"})
    assert "redis ended 5 times within 60 seconds, the last time with exit code 3." in refusal
    assert "this is no server" in refusal
    assert "Traceback" not in refusal


def test_a_port_in_use_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert one_sentence(refused(home, port=port)) == (
            f"LeadScore cannot run: PORT {port} is in use: end what uses it or set PORT to another one."
        )


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"PORT": "eighty"}, "PORT must be a whole number"),
        ({"PORT": "65536"}, "PORT must be a whole number"),
        ({"LEAD_QUEUES": "0"}, "LEAD_QUEUES must be a whole number"),
        ({"LEAD_QUEUES": "-1"}, "LEAD_QUEUES must be a whole number"),
        ({"SQLITE_SYNCHRONOUS": "OFF"}, "SQLITE_SYNCHRONOUS must be NORMAL or FULL"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be console or json"),
        ({"PUBLIC_URL": "leads"}, "PUBLIC_URL must be an address"),
        ({"WORKERS": "many"}, "WORKERS must be a whole number"),
        ({"WORKERS": "9"}, "WORKERS must be a whole number from 1 to 8"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": "postgres://a:b@127.0.0.1:port/c"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/none"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:////proc/none/db.sqlite3"}, "DATABASE_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL"),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL"),
        ({"BROKER_URL": "amqp://guest:secret@127.0.0.1:1//"}, "BROKER_URL"),
        ({"BROKER_URL": "nonsense://x"}, "BROKER_URL"),
        ({"LEADSCORE_HOME": "/proc/leadscore"}, "LEADSCORE_HOME"),
        ({"LEADSCORE_HOME": "/dev/null"}, "LEADSCORE_HOME"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(home: Path, environment: dict[str, str], names: str) -> None:
    sentence = one_sentence(refused(home, environment=environment))
    assert names in sentence
    assert "secret" not in sentence


def one_sentence(text: str) -> str:
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == 1, text
    return lines[0]
