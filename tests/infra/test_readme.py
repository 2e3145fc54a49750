"""Whoever does what infra/README.md says, word for word, has a deployment: five values, the commands as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.deployed import EXAMPLES, made_ready
from tests.infra.terraform import REPOSITORY, TERRAFORM, StubProvider, Terraform
from tools.infra_docs import PAGE

README = PAGE.read_text(encoding="utf-8")
SITTING = README.split("\n## In one sitting\n")[1].split("\n## ")[0]
FIVE = ["project", "region", "watch", "policy", "slack_channel"]

# The doctor comes to no harm; everything else of the command is real.
WAYOUT = f"""
if [ "$1" = doctor ]; then cat > /dev/null; echo visited >> {{0}}/visits; exit 0; fi
exec "{sys.executable}" -c "from wayout.cli import main; main()" "$@"
"""
# Nobody is asked, nothing is downloaded.
TERRAFORM_UNASKED = f"""
case "$1" in
  init) exec "{TERRAFORM}" get ;;
  apply) exec "{TERRAFORM}" apply -input=false -auto-approve ;;
  *) exec "{TERRAFORM}" "$@" -input=false ;;
esac
"""


def commands() -> Iterator[str]:
    """What is to be typed, in order."""
    for block in re.finditer(r"^( *)```sh\n(.*?)^\1```$", SITTING, re.MULTILINE | re.DOTALL):
        yield from (line.strip() for line in block[2].splitlines())


def command(path: Path, lines: str) -> None:
    """A program of a few shell lines."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_commands_lay_a_deployment_as_they_stand(example: str, stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(REPOSITORY / "infra", tmp_path, stub, f"examples/{example}")
    (terraform.folder / "terraform.tfvars").unlink()  # it is not there before it is copied
    made_ready(tmp_path / "made", WAYOUT.format(tmp_path))
    (tmp_path / "made/.venv/bin/activate").write_text(f"PATH={tmp_path}/.venv/bin:$PATH\n", encoding="utf-8")
    command(tmp_path / "bin/make", '[ "$*" = "setup bundle" ] && mv made/.venv made/dist .')
    command(tmp_path / "bin/gcloud", f'echo "$*" >> {tmp_path}/asked')
    command(tmp_path / "bin/terraform", TERRAFORM_UNASKED)
    typed = "\n".join(["set -e", *commands()]).replace("examples/one-project", f"examples/{example}")
    environment = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "TF_REATTACH_PROVIDERS": stub.reattach(terraform.folder),
        "CHECKPOINT_DISABLE": "1",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", typed],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert (tmp_path / "visits").read_text(encoding="utf-8") == "visited\n"
    assert "NOBODY LOOKED" not in done.stdout
    assert terraform.changes() == {}
    enabled = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com" in enabled


@pytest.mark.parametrize("example", EXAMPLES)
def test_exactly_five_values_are_to_be_filled_in(example: str) -> None:
    folder = REPOSITORY / "infra/examples" / example
    declared = re.split(r'^variable "', (folder / "variables.tf").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    required = [block.split('"')[0] for block in declared if not re.search(r"^  default +=", block, re.MULTILINE)]
    first = (folder / "terraform.tfvars.example").read_text(encoding="utf-8").split("\n\n")[0]

    assert required == FIVE
    assert re.findall(r"^(\w+) +=", first, re.MULTILINE) == FIVE
    assert ", ".join(f"`{name}`" for name in FIVE[:-1]) + f" and `{FIVE[-1]}`" in SITTING


@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_is_said_twice_in_an_example(example: str) -> None:
    assert not re.findall(r"acme-|europe-", (REPOSITORY / "infra/examples" / example / "main.tf").read_text("utf-8"))
