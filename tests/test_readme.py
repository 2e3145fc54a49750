"""The README shows only what works: every command in it is run here, as typed."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wayout.cli.demo.stage import free_port

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
ELSEWHERE = {"make demo": "test_demo.py runs the command behind it", "make test": "CI runs it: .ci/run"}


@pytest.mark.skipif(not shutil.which("curl"), reason="the session by hand needs curl")
def test_the_session_by_hand_works_as_typed(tmp_path: Path) -> None:
    for part in ("docs", "Makefile", "pyproject.toml", "requirements"):
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    port, grpc = free_port(), free_port()
    typed = "\n".join(block for block in BLOCKS if block.strip() not in ELSEWHERE)
    script = (
        typed.replace("make setup\n", "")  # this very environment is what it makes
        .replace(
            "--port 9090 &", f"--port 9090 --grpc-port {grpc} > cloud.log 2>&1 &\ntrap 'kill %1; wait' EXIT\n{WAIT}"
        )
        .replace("env --port 9090", f"env --port 9090 --grpc-port {grpc}")
        .replace("9090", str(port))
    )
    run = _bash(f"set -m\n{script}", tmp_path)

    assert "would be created" in run.stdout, run.stdout + run.stderr
    assert "the job my-job has been attached" in run.stdout, run.stdout + run.stderr
    assert '"status": "whole"' in run.stdout
    assert "my-job → tcp 93.184.216.34:443, now: reachable" in run.stdout, run.stdout + run.stderr
    assert "my-job → tcp 93.184.216.34:80, now: not reachable" in run.stdout
    assert "label: its label says wayout=internet-https  ← decides" in run.stdout
    assert run.returncode == 0, run.stdout + run.stderr


WAIT = """for _ in $(seq 100); do curl -s http://127.0.0.1:9090/_localcloud/state >/dev/null && break; sleep 0.1; done
curl -sf http://127.0.0.1:9090/_localcloud/state >/dev/null || { cat cloud.log; exit 9; }"""


def _bash(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a session; whatever it started ends with it, even if it takes too long."""
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = process.communicate(timeout=105)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGHUP)  # lets its trap end what it started
        out, err = process.communicate(timeout=10)
    return subprocess.CompletedProcess(script, process.returncode, out, err)


@pytest.mark.skipif(not shutil.which("gcloud") or not shutil.which("curl"), reason="needs gcloud and curl")
def test_the_local_clouds_session_works_as_typed(tmp_path: Path) -> None:
    text = (ROOT / "localcloud" / "README.md").read_text(encoding="utf-8")
    typed = "\n".join(block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "tests.replay" not in block)
    port, grpc = free_port(), free_port()
    start = f"--port 9090 --grpc-port {grpc} > cloud.log 2>&1 &\ntrap 'kill %1; wait' EXIT\n{WAIT}"
    script = typed.replace("--port 9090 &", start).replace("9090", str(port))
    path = f'export PATH="{Path(sys.executable).parent}:$PATH"'
    run = _bash(f"set -m\n{path}\n{script}", tmp_path)

    assert run.stderr.count("ERROR: (gcloud.") == 1, run.stderr
    assert "Subnets used for VPC connectors must have a netmask of 28." in run.stderr
    assert "google.cloud.run.v1.Jobs.CreateJob" in run.stdout
    assert '"verdict": "delivered"' in run.stdout, run.stdout + run.stderr
    assert '"name": "connector-unhealthy"' in run.stdout
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_command_of_the_table_exists() -> None:
    from wayout.cli import main

    for name in re.findall(r"^\| `wayout (\w+)", README, re.MULTILINE):
        assert name in main.commands


def test_ci_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "localcloud/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\((?!http)([^)]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
