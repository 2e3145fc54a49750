"""`wayout localcloud`: start the local Google Cloud, or say how to point this command at it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from wayout.cli import gcloud

YOU = "you@example.com"


@click.group(invoke_without_command=True)
@click.option("--port", default=9090, show_default=True, help="Port of the REST wire and the admin surface.")
@click.option("--grpc-port", type=int, help="Port of the gRPC wire.  [default: the one after --port]")
@click.option("--project", "projects", multiple=True, metavar="PROJECT", help="A project; repeatable.  [my-project]")
@click.option("--clock", type=click.Choice(["virtual", "real"]), default="virtual", show_default=True)
@click.option("--speed", type=float, default=1.0, show_default=True, help="Seconds per real second of --clock real.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON.")
@click.pass_context
def localcloud(
    context: click.Context,
    port: int,
    grpc_port: int | None,
    projects: tuple[str, ...],
    clock: str,
    speed: float,
    as_json: bool,
) -> None:
    """Run the local Google Cloud until Ctrl-C.

    Virtual time passes when nothing else is left to do: minutes of waiting take milliseconds, in the right order.
    Point this command at it with: eval "$(wayout localcloud env --port PORT)"
    """
    if context.invoked_subcommand:
        return
    words = [sys.executable, "-m", "localcloud", "--port", str(port), "--clock", clock, "--speed", str(speed)]
    words += ["--grpc-port", str(grpc_port)] if grpc_port is not None else []
    words += [word for project in projects for word in ("--project", project)]
    words += ["--json"] if as_json else []
    process = subprocess.Popen(words)  # noqa: S603 - our own module, with our own interpreter
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        sys.exit(process.wait())
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        sys.exit(process.wait())


@localcloud.command()
@click.argument("client", type=click.Choice(["wayout", "gcloud"]), default="wayout")
@click.option("--port", default=9090, show_default=True)
@click.option("--grpc-port", type=int, help="[default: the one after --port]")
@click.option("--principal", help="Who calls: the token is this e-mail address.  [Wayout's own, or you@example.com]")
@click.option("--project", default="my-project", show_default=True)
def env(client: str, port: int, grpc_port: int | None, principal: str | None, project: str) -> None:
    """Print the exports that point CLIENT (wayout or gcloud) at a local Google Cloud on this machine.

    \b
    eval "$(wayout localcloud env --port 9090)"          # then: wayout plan …
    eval "$(wayout localcloud env gcloud --port 9090)"   # then: gcloud compute networks list

    gcloud gets a new configuration folder, a token that names you, and the local Google Cloud as its proxy: an API that
    is not served there is refused at once, by name. Your own gcloud configuration is not touched.
    """
    if client == "gcloud":
        folder = Path(tempfile.mkdtemp(prefix="wayout-gcloud-"))
        found = gcloud.configure(folder, port, principal or YOU, project)
    else:
        project = os.environ.get("WAYOUT_PROJECT", project)
        principal = principal or "wayout@my-project.iam.gserviceaccount.com"
        found = exports(f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port or port + 1}", principal)
        found["WAYOUT_PROJECT"] = project
    for name, value in found.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def exports(url: str, grpc: str, principal: str) -> dict[str, str]:
    """The settings that point Wayout at a local Google Cloud; the token there is the principal's e-mail address."""
    rpc = {f"WAYOUT_ENDPOINT_{name}": f"http://{grpc}" for name in ("RUN", "VPCACCESS", "LOGGING", "PUBSUB")}
    rest = {f"WAYOUT_ENDPOINT_{name}": url for name in ("COMPUTE", "VPCACCESS_REST", "DNS")}
    who = {"WAYOUT_PRINCIPAL": principal, "WAYOUT_TOKEN": principal}
    pace = {"WAYOUT_POLL_SECONDS": "0.05", "WAYOUT_BACKOFF_SECONDS": "0.05"}
    pace |= {"WAYOUT_QUOTA_MINUTE_SECONDS": "0"}  # a minute of virtual time passes at once
    return {**rpc, **rest, **who, **pace}
