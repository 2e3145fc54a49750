"""Jobs that live in a source of their own, such as Terraform's: what we change there, its next apply undoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wayout.egress import ways
from wayout.egress.model import Cause, Egress, Interface, Job, Way

Kind = Literal["Terraform", "Config Connector", "Deployment Manager", "Pulumi"]

# Label and annotation names: google provider's terraform attribution label, Config Connector's and Deployment
# Manager's own marks on what they make. User agents: how these tools call themselves.
_LABELS: dict[str, Kind] = {
    "goog-terraform-provisioned": "Terraform",
    "managed-by-cnrm": "Config Connector",
    "goog-dm": "Deployment Manager",
    "goog-pulumi-provisioned": "Pulumi",
}
_AGENTS: tuple[tuple[str, Kind], ...] = (
    ("pulumi", "Pulumi"),
    ("terraform", "Terraform"),
    ("config-connector", "Config Connector"),
    ("cnrm", "Config Connector"),
    ("deployment-manager", "Deployment Manager"),
)
_ANNOTATION = "cnrm.cloud.google.com/"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who has a job in its source, and what says so."""

    kind: Kind
    evidence: str


def manager(job: Job, cause: Cause | None = None) -> Manager | None:
    """Who has the job in a source of its own; None for what a person, the console or a script deployed by gcloud.

    `cause` is the deploy itself, where that is known: its user agent speaks for a tool that leaves no other mark.
    """
    for key, value in job.labels:
        if key in _LABELS and value.lower() != "false":
            return Manager(_LABELS[key], f"label {key}={value}")
    for key, _ in job.annotations:
        if key.startswith(_ANNOTATION):
            return Manager("Config Connector", f"annotation {key}")
    for text, said in ((job.client, "client"), (cause.agent if cause else "", "user agent of the deploy")):
        for word, kind in _AGENTS:
            if word in text.lower():
                return Manager(kind, f"{said} {text[:80]}")
    if job.last_modifier.startswith("cnrm-"):
        return Manager("Config Connector", f"last changed by {job.last_modifier}")
    return None


def source_text(by: Manager, job: Job, way: Way) -> str:
    """What to put into the job's source, so that it says what its way out is."""
    if by.kind == "Terraform":
        return _terraform(job, way)
    if by.kind == "Config Connector":
        return _config_connector(job, way)
    if by.kind == "Pulumi":
        return f"template.template.vpcAccess of {job.name.job}: {_plain(way)}"
    return f"properties.template.template.vpcAccess of {job.name.job}: {_plain(way)}"


def _egress(way: Way) -> str:
    return "ALL_TRAFFIC" if way.egress == Egress.ALL else "PRIVATE_RANGES_ONLY"


def _terraform(job: Job, way: Way) -> str:
    """Of google_cloud_run_v2_job (google provider's schema): template.template.vpc_access."""
    if way.connector:
        inner = f'connector = "{way.connector}"'
    else:
        inner = _block("network_interfaces", _interface(way.interface))
    access = _block("vpc_access", f'{inner}\negress = "{_egress(way)}"')
    inside = _block("template", _block("template", access))
    return f"# google_cloud_run_v2_job for {job.name.job}\n{inside}"


def _interface(one: Interface | None) -> str:
    if one is None:
        return ""
    tags = ", ".join(f'"{tag}"' for tag in one.tags)
    lines = [f'network = "{one.network}"', f'subnetwork = "{one.subnet}"', f"tags = [{tags}]" if tags else ""]
    return "\n".join(filter(None, lines))


def _block(name: str, text: str) -> str:
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return f"{name} {{\n{indented}\n}}"


def _config_connector(job: Job, way: Way) -> str:
    """Of RunJob (Config Connector's resource reference): spec.template.template.vpcAccess."""
    if way.connector:
        inner = f"          connectorRef:\n            external: {way.connector}"
    else:
        named = ways.ground(way.interface, job.name)
        subnet = named[1] if named else ""
        network = named[0] if named else ""
        tags = ", ".join(way.interface.tags) if way.interface else ""
        inner = (
            f"          networkInterfaces:\n          - networkRef: {{external: {network}}}\n"
            f"            subnetworkRef: {{external: {subnet}}}\n            tags: [{tags}]"
        )
    head = f"# RunJob {job.name.job}\nspec:\n  template:\n    template:\n        vpcAccess:\n"
    return f"{head}{inner}\n          egress: {_egress(way)}"


def _plain(way: Way) -> str:
    if way.connector:
        return f"connector {way.connector}, egress {_egress(way)}"
    return f"{_interface(way.interface)}, egress {_egress(way)}".replace("\n", ", ")
