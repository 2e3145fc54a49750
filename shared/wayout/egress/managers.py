"""Jobs that live in a source of their own, such as Terraform's: what we change there, its next apply undoes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wayout.egress.model import Cause, Egress, Interface, Job, Way

Kind = Literal["Terraform", "Config Connector", "Deployment Manager", "Pulumi"]

# What each puts on what it makes, the surest first. Terraform: add_terraform_attribution_label, on by default since
# google provider 5.16. Pulumi: release notes of pulumi-gcp 8. Config Connector: its recorded requests for RunJob.
# Google's bulk export writes the last one into Terraform's files too, so Terraform's own label comes before it.
_LABELS: dict[str, Kind] = {
    "goog-terraform-provisioned": "Terraform",
    "goog-pulumi-provisioned": "Pulumi",
    "managed-by-cnrm": "Config Connector",
    "goog-dm": "Deployment Manager",
}
_CNRM = "cnrm.cloud.google.com/"  # every annotation and label of Config Connector's begins so

# How each calls itself: `Terraform/1.9.8 (+https://www.terraform.io) … terraform-provider-google/6.10.0` (the
# provider's source), `kcc/1.125.0 (+https://github.com/GoogleCloudPlatform/k8s-config-connector) …` and
# `Google-Deployment-Manager` (recorded). Pulumi's has not been seen; as its provider is Terraform's, it is asked first.
_AGENTS: tuple[tuple[str, Kind], ...] = (
    ("pulumi", "Pulumi"),
    ("kcc/", "Config Connector"),
    ("terraform/", "Terraform"),
    ("terraform-provider-google", "Terraform"),
    ("google-deployment-manager", "Deployment Manager"),
)
_CLIENTS: dict[str, Kind] = {
    "terraform": "Terraform",
    "pulumi": "Pulumi",
    "config-connector": "Config Connector",
    "deployment-manager": "Deployment Manager",
}


@dataclass(frozen=True, slots=True)
class Manager:
    """Who has a job in its source, and what says so."""

    kind: Kind
    evidence: str


def manager(job: Job, cause: Cause | None = None) -> Manager | None:
    """Who has the job in a source of its own; None for what a person, the console or gcloud deployed.

    `cause` is the deploy itself, where that is known: who has just written the job is its master, whatever others
    have left on it.
    """
    return next(_signs(job, cause), None)


def _signs(job: Job, cause: Cause | None) -> Iterator[Manager]:
    """What speaks for a source, the surest first."""
    agent = cause.agent if cause else ""
    for word, kind in _AGENTS:
        if word in agent.lower():
            yield Manager(kind, f"user agent of the deploy {agent[:80]}")
    labels = dict(job.labels)
    for key, kind in _LABELS.items():
        if key in labels and labels[key].lower() != "false":
            yield Manager(kind, f"label {key}={labels[key]}")
    for what, pairs in (("annotation", job.annotations), ("label", job.labels)):
        for key, _ in pairs:
            if key.startswith(_CNRM):
                yield Manager("Config Connector", f"{what} {key}")
    if client := _CLIENTS.get(job.client.lower()):
        yield Manager(client, f"client {job.client}")
    yield from _people(job)


def _people(job: Job) -> Iterator[Manager]:
    """Deployment Manager acts as the Google APIs service agent, NUMBER@cloudservices… (Google's page on service
    agents); Config Connector as an account that its installation guide calls cnrm-system."""
    for said, who in (("last changed", job.last_modifier), ("made", job.creator)):
        if who.endswith("@cloudservices.gserviceaccount.com"):
            yield Manager("Deployment Manager", f"{said} by {who}")
        if "cnrm-system@" in who or "cnrm-controller-manager" in who:
            yield Manager("Config Connector", f"{said} by {who}")


# --- what to put there ------------------------------------------------------------------------------------------


def source_text(by: Manager, job: Job, way: Way) -> str:
    """What to put into the job's source, so that it says what its way out is: HCL for Terraform, else YAML."""
    match by.kind:
        case "Terraform":
            return _terraform(job, way)
        case "Config Connector":
            return _yaml(f"RunJob {job.name.job}", ("spec", "template", "template", "vpcAccess"), _cnrm(way))
        case "Deployment Manager":
            return _yaml(f"job {job.name.job}", ("properties", "template", "template", "vpcAccess"), _plain(way))
        case "Pulumi":
            head = f"gcp.cloudrunv2.Job {job.name.job}"
            return _yaml(head, ("properties", "template", "template", "vpcAccess"), _plain(way))


def _egress(way: Way) -> str:
    """As Run v2's discovery document spells it."""
    return "ALL_TRAFFIC" if way.egress == Egress.ALL else "PRIVATE_RANGES_ONLY"


def _terraform(job: Job, way: Way) -> str:
    """Blocks of google_cloud_run_v2_job (google provider's schema), in the style of `terraform fmt`."""
    if way.connector:
        access = _arguments(connector=_quoted(str(way.connector)), egress=_quoted(_egress(way)))
    else:
        one = way.interface or Interface()
        tags = f"[{', '.join(map(_quoted, one.tags))}]" if one.tags else ""
        named = {"network": one.network, "subnetwork": one.subnet}
        inside = _arguments(**{key: _quoted(text) for key, text in named.items() if text}, tags=tags)
        access = f"{_arguments(egress=_quoted(_egress(way)))}\n{_block('network_interfaces', inside)}"
    whole = _block("template", _block("template", _block("vpc_access", access)))
    return f"# google_cloud_run_v2_job {job.name.job}\n{whole}"


def _arguments(**said: str) -> str:
    given = {key: text for key, text in said.items() if text}
    width = max(map(len, given), default=0)
    return "\n".join(f"{key:{width}} = {text}" for key, text in given.items())


def _quoted(text: str) -> str:
    """A string of HCL, in which `${` would begin a template."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _block(name: str, text: str) -> str:
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return f"{name} {{\n{indented}\n}}"


def _cnrm(way: Way) -> list[str]:
    """Config Connector's RunJob (its resource reference): references, with what is not its own as `external`."""
    if way.connector:
        return [f"egress: {_egress(way)}", "connectorRef:", f"  external: {way.connector}"]
    one = way.interface or Interface()
    return [
        f"egress: {_egress(way)}",
        "networkInterfaces:",
        *_item(
            *(["networkRef:", f"  external: {one.network}"] if one.network else []),
            *(["subnetworkRef:", f"  external: {one.subnet}"] if one.subnet else []),
            *_tags(one),
        ),
    ]


def _plain(way: Way) -> list[str]:
    """As Run v2's discovery document has it; Pulumi's names are the same."""
    if way.connector:
        return [f"egress: {_egress(way)}", f"connector: {way.connector}"]
    one = way.interface or Interface()
    named = (("network", one.network), ("subnetwork", one.subnet))
    said = (f"{key}: {text}" for key, text in named if text)
    return [f"egress: {_egress(way)}", "networkInterfaces:", *_item(*said, *_tags(one))]


def _tags(one: Interface) -> list[str]:
    return ["tags:", *(f"- {tag}" for tag in one.tags)] if one.tags else []


def _item(*lines: str) -> list[str]:
    """An item of a YAML list."""
    return [f"{'  ' if index else '- '}{line}" for index, line in enumerate(lines)]


def _yaml(head: str, path: tuple[str, ...], inside: list[str]) -> str:
    keys = (f"{'  ' * depth}{key}:" for depth, key in enumerate(path))
    return "\n".join([f"# {head}", *keys, *(f"{'  ' * len(path)}{line}" for line in inside)])
