"""The `wayout` command: the same reconcile as the functions', for a person at a terminal."""

from __future__ import annotations

import click

from wayout import __version__
from wayout.cli.demo import demo
from wayout.cli.doctor import doctor
from wayout.cli.explain import explain
from wayout.cli.jobs import apply, plan, replay, sweep
from wayout.cli.local import localcloud
from wayout.cli.policy import policy
from wayout.cli.undo import undo


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wayout")
def main() -> None:
    """A safe way out for every Cloud Run job: through a VPC, by policy, with least privilege.

    \b
    Start here:
      wayout demo                                   see the whole story on a local Google Cloud
      wayout policy check policy.yaml               check a policy file
      wayout plan my-job --region europe-west2      what is missing on a job's way out, and why
      wayout apply my-job --region europe-west2     make it so, if the policy enforces
      wayout explain my-job --region europe-west2 --to 10.20.0.5:5432
                                                    can it reach that, and what decides
      wayout undo 3f9c0a71b2de                      take back what was done for one plan
      terraform output -json deployment | wayout doctor -
                                                    is the deployment well, and if not, what to do

    Settings come from the environment, the same that the functions read: WAYOUT_PROJECT, WAYOUT_POLICY, … .
    Exit codes: 0 the way out is whole (or none is wanted), 2 changes are wanted, 1 something failed or is blocked.
    """


for command in (demo, localcloud, plan, apply, explain, sweep, undo, replay, policy, doctor):
    main.add_command(command)
