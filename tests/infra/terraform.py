"""The real `terraform` on a copy of a folder, with the stub provider: no download, no account, no cloud."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

TERRAFORM = shutil.which("terraform")
UNDECLARED = "Value for undeclared variable"
REPOSITORY = Path(__file__).parents[2]
_NEVER_COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", ".git", "terraform.tfvars")


def require() -> None:
    """Skips the test where Terraform cannot be run."""
    if TERRAFORM is None:
        pytest.skip("terraform is not installed here")
    if importlib.util.find_spec("msgpack") is None:
        pytest.skip("msgpack is not installed here, and the stub provider speaks it")


class Diagnostic(NamedTuple):
    """An error or warning of Terraform's, and the file it is about."""

    severity: str
    words: str
    file: str


class TerraformError(Exception):
    """A command failed; `said` is Terraform's complaint, without what it told before."""

    def __init__(self, said: str, told: str = "") -> None:
        super().__init__(f"{told}\n{said}")
        self.said = said


class StubProvider:
    """The process of the stub provider. One serves any number of folders, each with a cloud of its own."""

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "tests.infra.provider"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def reattach(self, folder: Path) -> str:
        """What Terraform has to know, to find the providers of a folder."""
        assert self._process.stdin
        assert self._process.stdout
        print(folder, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline().strip()
        assert line, "the stub provider ended; its own words are above"
        return line


class Terraform:
    """Commands in one folder. Variables are given once, with `plan` or `apply`, and hold until others are given."""

    def __init__(self, folder: Path, stub: StubProvider, **environment: str) -> None:
        self.folder = folder
        self._variables = folder.parent / f"{folder.name}.given.tfvars.json"
        self._variables.write_text("{}")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        self._environment = {
            **ours,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_REATTACH_PROVIDERS": stub.reattach(folder),
            **environment,
        }

    @classmethod
    def on_copy(cls, tree: Path, into: Path, stub: StubProvider, folder: str = ".", **environment: str) -> Self:
        """In a folder of a copy of a tree, which is kept at the tree's own name below `into`. An example's values are
        those that it shows."""
        copy = into / tree.name
        shutil.copytree(tree, copy, ignore=_NEVER_COPIED, dirs_exist_ok=True)
        for shown in copy.rglob("terraform.tfvars.example"):
            shutil.copyfile(shown, shown.with_suffix(""))
        return cls((copy / folder).resolve(), stub, **environment)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Any command, whatever comes of it."""
        assert TERRAFORM
        return subprocess.run(
            [TERRAFORM, *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def ok(self, *words: str) -> str:
        """What a command prints that has to work."""
        run = self.run(*words)
        if run.returncode != 0:
            # A plan in full, before the error that it ends with, would only hide it.
            last = "\n".join(run.stdout.splitlines()[-60:])
            raise TerraformError(run.stderr, f"terraform {' '.join(words)}\n{last}")
        # Terraform only warns, and then goes on as if nothing had been given.
        if UNDECLARED in run.stdout:
            raise TerraformError(run.stdout[run.stdout.index(UNDECLARED) :])
        return run.stdout

    def get(self) -> None:
        """Finds the modules and those of the tests; local ones take no network."""
        self.ok("get", "-no-color")

    def fmt(self) -> None:
        """Fails if any file here or below is not formatted, with the difference."""
        self.ok("fmt", "-check", "-diff", "-recursive", "-no-color")

    def diagnostics(self) -> list[Diagnostic]:
        """Everything that `terraform validate` says, right or wrong."""
        self.get()
        told = json.loads(self.run("validate", "-json").stdout)
        return [
            Diagnostic(
                each["severity"],
                f"{each['summary']}: {each.get('detail', '')} [{each.get('address', '')}]",
                each.get("range", {}).get("filename", ""),
            )
            for each in told["diagnostics"]
        ]

    def validate(self) -> None:
        """Fails with every error and warning there is."""
        if told := self.diagnostics():
            raise TerraformError("\n".join(f"{each.file}: {each.severity}: {each.words}" for each in told))

    def test(self, *words: str) -> str:
        """Runs the folder's own `*.tftest.hcl`; fails if one of them fails, and if there is none."""
        self.get()
        told = self.ok("test", "-no-color", *words)
        if "Success! 0 passed" in told:
            raise TerraformError(f"no test ran\n{told}")
        return told

    def plan(self, **variables: Any) -> dict[str, Any]:
        """What would be done, as `terraform show -json` tells it."""
        self._given(variables)
        self.get()
        self.ok("plan", "-out=plan.bin", *self._said())
        plan: dict[str, Any] = json.loads(self.ok("show", "-json", "plan.bin"))
        return plan

    def changes(self, **variables: Any) -> dict[str, list[str]]:
        """What a plan would do to each resource and output that does not stay as it is: its actions."""
        plan = self.plan(**variables)
        told = {each["address"]: each["change"]["actions"] for each in plan.get("resource_changes", ())}
        told |= {f"output.{name}": each["actions"] for name, each in plan.get("output_changes", {}).items()}
        return {name: actions for name, actions in told.items() if actions not in (["no-op"], ["read"])}

    def apply(self, **variables: Any) -> str:
        """Does it; what Terraform said."""
        self._given(variables)
        self.get()
        return self.ok("apply", "-auto-approve", *self._said())

    def second_plan_is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return not self.changes()

    def destroy(self) -> str:
        """Takes all of it away again."""
        return self.ok("destroy", "-auto-approve", *self._said())

    def outputs(self) -> dict[str, Any]:
        """The outputs of what was applied, secret ones too."""
        return {name: each["value"] for name, each in json.loads(self.ok("output", "-json")).items()}

    def _given(self, variables: dict[str, Any]) -> None:
        if variables:
            self._variables.write_text(json.dumps(variables))

    def _said(self) -> tuple[str, ...]:
        return ("-input=false", "-no-color", f"-var-file={self._variables}")
