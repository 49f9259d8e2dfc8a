"""The image: it holds what runs, and nothing that is somebody's secret or data."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def copied() -> set[str]:
    return set(re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE))


def test_it_holds_every_package() -> None:
    packages = set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert copied() == packages | {"manage.py", "requirements.txt", "static", "templates"}


def test_the_build_sees_nothing_but_what_it_copies() -> None:
    first, *rest = (ROOT / ".dockerignore").read_text().split()
    assert first == "*"
    assert {name.removeprefix("!") for name in rest if name.startswith("!")} == copied()


def test_it_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["leadscore"]
    assert DOCKERFILE.index("USER leadscore") < DOCKERFILE.index("ENTRYPOINT")


def test_its_base_images_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
