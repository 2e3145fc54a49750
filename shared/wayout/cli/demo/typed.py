"""The story once more, typed into an unmodified gcloud."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from wayout.cli import gcloud
from wayout.cli.demo.stage import PROJECT, REGION, Stage
from wayout.cli.demo.story import OUT_RULE, ROUTER, Scenario, Story, only_https

DEPLOY = f"run jobs deploy my-job --image=gcr.io/my-project/my-image --region={REGION} --memory=512Mi --task-timeout=5m"
POLICY_RULE = """\
rules:
  - {name: every job, match: {job: "*"}, profile: internet-https}
"""


class Terminal:
    """A shell in which people type gcloud commands; `show` is told each command, and then what it printed.

    Raises RuntimeError when gcloud is not installed, or when a command fails that should not.
    """

    def __init__(self, stage: Stage, show: Callable[[str], None]) -> None:
        self._command = find()
        self._folder = tempfile.TemporaryDirectory(prefix="wayout-gcloud-")
        self._port = urlsplit(stage.url).port or 80
        self._show = show

    def close(self) -> None:
        """Remove gcloud's configuration."""
        self._folder.cleanup()

    def type(self, who: str, words: str) -> str:
        """Run `gcloud WORDS` as `who`; answers with what it wrote to standard output."""
        settings = gcloud.configure(Path(self._folder.name), self._port, who, PROJECT)
        self._show(f"$ gcloud {words}")
        run = subprocess.run(  # noqa: S603 - gcloud, with words of this module
            [self._command, *words.split()],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self._show((run.stderr + run.stdout).strip())
        if run.returncode:
            raise RuntimeError(f"gcloud {words} failed:\n{run.stderr}")
        return run.stdout


def find() -> str:
    """Where gcloud is. Raises RuntimeError that says how to get it."""
    found = shutil.which("gcloud")
    if found is None:
        raise RuntimeError("gcloud is not installed: see https://cloud.google.com/sdk/docs/install, then try again")
    return found


def scenarios(terminal: Terminal) -> list[Scenario]:
    """The whole story, in order. Nobody types a word about a VPC."""
    developer, stranger = "dev@example.com", "somebody@example.com"
    widen = f"compute firewall-rules update {OUT_RULE} --allow=all --destination-ranges=0.0.0.0/0"
    delete = f"compute routers nats delete wayout --router={ROUTER} --region={REGION}"
    look = f"run jobs describe my-job --region={REGION}"
    execute = f"run jobs execute my-job --region={REGION} --wait"
    return [
        Scenario(
            "a developer types one command, without a word about a VPC",
            lambda _: terminal.type(developer, DEPLOY),
            lambda story: story.attached("my-job") and len(story.nats()) == 1,
        ),
        Scenario(
            "the developer looks at the job, and executes it",
            lambda _: [terminal.type(developer, look), terminal.type(developer, execute)],
            lambda story: story.attached("my-job") and _executed(story),
        ),
        Scenario(
            "the developer deploys again: gcloud sends what it has read, and nothing is lost",
            lambda _: terminal.type(developer, DEPLOY.replace("5m", "10m")),
            lambda story: story.attached("my-job"),
        ),
        Scenario(
            "somebody widens a rule of ours",
            lambda _: terminal.type(stranger, widen),
            lambda story: story.attached("my-job") and only_https(story.rule(OUT_RULE)),
        ),
        Scenario(
            "somebody deletes our NAT",
            lambda _: terminal.type(stranger, delete),
            lambda story: story.attached("my-job") and len(story.nats()) == 1,
        ),
        Scenario(
            "the network engineer lists what there is",
            lambda _: [
                terminal.type("network@example.com", f"compute networks vpc-access connectors list --region={REGION}"),
                terminal.type(
                    "network@example.com",
                    "compute firewall-rules list --format=table(name,direction,priority,disabled)",
                ),
                terminal.type(
                    "network@example.com", f"compute routers nats list --router={ROUTER} --router-region={REGION}"
                ),
            ],
            lambda story: story.attached("my-job"),
        ),
    ]


def _executed(story: Story) -> bool:
    latest = story.platform.job("my-job").get("latestCreatedExecution", {})
    return bool(latest.get("completionStatus") == "EXECUTION_SUCCEEDED")
