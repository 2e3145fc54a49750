"""gcloud, unmodified, pointed at a local Google Cloud: a configuration folder of its own."""

from __future__ import annotations

import configparser
from importlib.resources import files
from pathlib import Path

NAME = "localcloud"
PATHS = {"compute": "compute/v1/", "dns": "dns/v1/"}  # gcloud wants these in the endpoint; of all others, the host


def configure(folder: Path, port: int, principal: str, project: str) -> dict[str, str]:
    """Write a gcloud configuration into `folder` and answer with the variables that make gcloud read it.

    `gcloud run` puts the region before any host that it is given, so the local Google Cloud is gcloud's proxy, and the
    hosts are names that lead nowhere else (RFC 6761). APIs that are not served have such a host too: gcloud asks,
    and is refused at once. The token is the principal's e-mail address.

    The hosts are variables: gcloud reads its file once for each API that it knows, and 180 lines of hosts in it would
    take a quarter of every command's time.
    """
    token = folder / "token"
    token.write_text(principal, encoding="utf-8")
    config = configparser.ConfigParser()
    config.read_dict(_sections(port))
    (folder / "configurations").mkdir(exist_ok=True)
    with (folder / "configurations" / f"config_{NAME}").open("w", encoding="utf-8") as file:
        config.write(file)
    hosts = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name.upper()}": _host(name) for name in apis()}
    return hosts | {
        "CLOUDSDK_CONFIG": str(folder),
        "CLOUDSDK_ACTIVE_CONFIG_NAME": NAME,
        "CLOUDSDK_CORE_PROJECT": project,
        "CLOUDSDK_CORE_ACCOUNT": principal,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
    }


def apis() -> list[str]:
    """The APIs whose endpoint can be set. Source: gcloud 528, the properties of the section api_endpoint_overrides."""
    return files("wayout.cli").joinpath("gcloud_apis.txt").read_text(encoding="utf-8").split()


def _host(api: str) -> str:
    return f"http://{api.replace('_', '-')}.localcloud.test/{PATHS.get(api, '')}"


def _sections(port: int) -> dict[str, dict[str, str]]:
    quiet = {"disable_usage_reporting": "true", "check_gce_metadata": "false", "survey_disable_prompts": "true"}
    return {
        "core": quiet,
        "component_manager": {"disable_update_check": "true"},
        "proxy": {"type": "http", "address": "127.0.0.1", "port": str(port)},
    }
