"""A local Google Cloud, our clients on it, and somebody else who deploys there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from localcloud.core import Cloud
from localcloud.errors import ApiError
from localcloud.server import LocalCloud
from wayout.cloud.apply import apply
from wayout.cloud.asking import REST
from wayout.cloud.clients import Clients
from wayout.cloud.observe import look
from wayout.cloud.settings import Settings
from wayout.egress.model import (
    Absent,
    Change,
    HistoryOf,
    IdleSince,
    JobName,
    NetworkName,
    Outcome,
    Present,
    Read,
    Sighting,
    SitesTouched,
    Subnet,
    SubnetName,
    WrittenBy,
)

PROJECT, NUMBER, REGION = "my-project", "123456789012", "europe-west2"
US, DEPLOYER = "wayout@my-project.iam.gserviceaccount.com", "jane@example.com"
NETWORK = NetworkName(PROJECT, "main")
SUBNET = Subnet(SubnetName(PROJECT, REGION, "wayout-0a1b2c3d"), NETWORK, "10.127.0.0/28", google_access=True)
JOB = JobName(PROJECT, REGION, "report")


@dataclass
class Local:
    """`clients` are ours, `theirs` are the deployer's."""

    server: LocalCloud
    clients: Clients
    theirs: Clients

    @property
    def cloud(self) -> Cloud:
        return self.server.cloud

    def look(self, read: Read[Any]) -> Sighting[Any]:
        return look([read], self.clients, nothing)[read]

    def see(self, read: Read[Any]) -> Any:
        """What is present."""
        found = self.look(read)
        assert isinstance(found, Present), found
        return found.value

    def apply(self, *changes: Change, seconds: float = 30.0, seed: str = "") -> tuple[Outcome, ...]:
        """Every call is a pass of its own, unless it says otherwise."""
        return apply(changes, self.clients, deadline=time.monotonic() + seconds, seed=seed or uuid.uuid4().hex)

    def calls(self, method: str) -> list[Any]:
        """Records of our calls of one method."""
        return [one for one in self.cloud.records if one.method == method and one.principal == US]

    def fault(self, method: str, error: ApiError, *, times: int = 1, after: bool = False) -> None:
        from localcloud.faults.calls import Fault

        self.cloud.faults.append(Fault(method, error, times, after))

    def peer(self, name: str, one: NetworkName, other: NetworkName, **how: Any) -> None:
        """Make one side of a VPC Network Peering; `how` are fields of it."""
        from google.cloud import compute_v1

        side = compute_v1.NetworkPeering(name=name, network=str(other), exchange_subnet_routes=True, **how)
        request = compute_v1.NetworksAddPeeringRequest(network_peering=side)
        started = self.theirs.networks.add_peering(
            project=one.project, network=one.network, networks_add_peering_request_resource=request, **REST
        )
        self.theirs.global_operations.wait(project=one.project, operation=started.name, **REST)

    def deploy(self, name: JobName = JOB, **task: Any) -> None:
        """Have the deployer create a job; `task` are fields of its TaskTemplate."""
        from google.cloud import run_v2

        template = run_v2.TaskTemplate({"containers": [{"image": "example/image"}]} | task)
        job = run_v2.Job(template=run_v2.ExecutionTemplate(template=template))
        parent = f"projects/{name.project}/locations/{name.region}"
        operation: Any = self.theirs.jobs.create_job(parent=parent, job=job, job_id=name.job)
        operation.result()


def nothing(_: HistoryOf | IdleSince | SitesTouched | WrittenBy) -> Sighting[Any]:
    return Absent()


def settings(server: LocalCloud, who: str) -> Settings:
    return Settings(
        project=PROJECT,
        principal=US,
        token=SecretStr(who),
        poll_seconds=0.01,
        backoff_seconds=0.001,
        quota_minute_seconds=0,
        endpoint_run=f"http://{server.grpc}",
        endpoint_vpcaccess=f"http://{server.grpc}",
        endpoint_logging=f"http://{server.grpc}",
        endpoint_compute=server.url,
        endpoint_vpcaccess_rest=server.url,
        endpoint_dns=server.url,
    )


@contextmanager
def local() -> Iterator[Local]:
    """A local Google Cloud with nothing in it, until the block ends."""
    with LocalCloud(projects={PROJECT: NUMBER, "host-project": "210987654321"}) as server:
        ours, theirs = Clients(settings(server, US)), Clients(settings(server, DEPLOYER))
        try:
            yield Local(server, ours, theirs)
        finally:
            ours.close()
            theirs.close()
