"""The functions' bundle: the same to the byte, nothing too much, and the functions live on it alone."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import bundle
from wayout.cli.demo.people import JOBS, Person
from wayout.cli.demo.stage import Stage

CONTENT = bundle.files()
NEVER = ("wayout/cli", "wayout/doctor.py", "localcloud", "tests", "benchmarks", "tools")


def make(tree: Path, output: Path, **environment: str) -> bytes:
    """The bundle of a tree, made by a process of its own."""
    words = [sys.executable, "-m", "tools.bundle", "--output", str(output)]
    subprocess.run(words, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree), **environment}, check=True)
    return output.read_bytes()


def test_it_is_the_same_to_the_byte_wherever_and_however_it_is_made(tmp_path: Path) -> None:
    copy = tmp_path / "some where else"
    for folder in ("functions", "shared", "requirements", "tools"):
        shutil.copytree(folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)

    there = make(copy, tmp_path / "there.zip", PYTHONHASHSEED="7", TZ="Asia/Tokyo", LC_ALL="C")

    assert there == bundle.packed(CONTENT)


def test_it_changes_when_what_it_holds_changes() -> None:
    changed = {**CONTENT, "main.py": CONTENT["main.py"] + b"\n"}

    assert bundle.packed(changed) != bundle.packed(CONTENT)


def test_it_holds_only_what_runs() -> None:
    assert CONTENT.keys() >= {"main.py", "requirements.txt", "functions/on_audit_log.py", "wayout/wiring.py"}
    assert not [name for name in CONTENT if name.startswith(NEVER) or "__pycache__" in name]
    assert {name.rsplit(".", 1)[-1] for name in CONTENT} == {"py", "txt"}


def test_its_requirements_are_locked_and_without_those_of_the_command() -> None:
    lines = CONTENT["requirements.txt"].decode().splitlines()
    names = {line.split("==")[0] for line in lines if line[:1].isalpha()}

    assert all("==" in line for line in lines if line[:1].isalpha())
    assert "--hash=sha256:" in CONTENT["requirements.txt"].decode()
    assert names >= {"functions-framework", "google-cloud-run", "pydantic"}
    assert not names & {"rich", "msgpack", "hypothesis", "pytest"}


def test_its_root_module_is_the_doors_own() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.packed(CONTENT))) as found:
        assert found.read("main.py") == Path("functions/main.py").read_bytes()
        assert {entry.date_time for entry in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_it_says_what_is_in_it_and_writes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "none.zip"
    words = [sys.executable, "-m", "tools.bundle", "--list", "--json", "--output", str(output)]
    said = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    assert said["files"].keys() == CONTENT.keys()
    assert said["bytes"] == len(bundle.packed(CONTENT))
    assert not output.exists()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The unpacked bundle beside a virtual environment that holds what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("alone")
    with zipfile.ZipFile(io.BytesIO(bundle.packed(CONTENT))) as found:
        found.extractall(folder / "source")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    wanted = ["--require-hashes", "--requirement", str(folder / "source" / "requirements.txt")]
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv" / "bin" / "python")]
    # most of it is never imported, and compiling it takes as long as installing it
    installed = subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", *wanted], capture_output=True, text=True, check=False
    )
    if installed.returncode != 0:
        if "No matching distribution" in installed.stderr or "Connection" in installed.stderr:
            pytest.skip("the package index cannot be reached from here")
        pytest.fail(installed.stderr)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(400)
def test_the_functions_live_on_the_bundle_alone(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # four processes, and each module is compiled once
    framework, source = alone / "venv" / "bin" / "functions-framework", alone / "source" / "main.py"
    with Stage(framework=framework, source=source) as stage:
        platform = Person(stage, "platform@example.com")
        developer = Person(stage, "dev@example.com")
        platform.lay_the_ground()
        stage.settle()

        developer.deploy("my-job")
        stage.settle()

        said = [event["data"] for event in platform.hear()]
        way = platform.job("my-job")["template"]["template"].get("vpcAccess", {})
        for person in (platform, developer):
            person.close()

    assert way.get("egress") == "ALL_TRAFFIC", said
    assert said[-1]["status"] == "whole"
    assert [job["job"] for job in said[-1]["jobs"]] == [f"{JOBS}/my-job"]
