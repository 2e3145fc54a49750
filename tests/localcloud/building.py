"""A whole local Google Cloud to build in over its sockets, with a Shared VPC host project beside the usual one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1, vpcaccess_v1
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport

from localcloud.clock import Clock
from localcloud.server import LocalCloud

P, HOST, R = "my-project", "host-project", "europe-west2"
NUMBER, HOST_NUMBER = "123456789012", "210987654321"
PARENT = f"projects/{P}/locations/{R}"
OUT = f"{PARENT}/connectors/out"
SIZE = {"min_instances": 2, "max_instances": 3}
DANA = [("authorization", "Bearer dana@example.com")]
ACCOUNT = f"{NUMBER}-compute@developer.gserviceaccount.com"
Body = dict[str, Any]


class Building:
    """Google's own clients, and short words for what tests do all the time. Nothing moves but what a test waits for."""

    def __init__(self, local: LocalCloud, channel: grpc.Channel) -> None:
        self.local, self.cloud = local, local.cloud
        self.cloud.clock.idle = False
        transport = VpcAccessServiceGrpcTransport(channel=channel)
        self.connectors: Any = vpcaccess_v1.VpcAccessServiceClient(transport=transport)
        options = {"api_endpoint": f"{local.url}/_svc/compute"}
        common: Body = {"client_options": options, "credentials": AnonymousCredentials()}  # type: ignore[no-untyped-call]
        self.networks: Any = compute_v1.NetworksClient(**common)
        self.addresses: Any = compute_v1.AddressesClient(**common)
        self.ranges: Any = compute_v1.GlobalAddressesClient(**common)
        self.projects: Any = compute_v1.ProjectsClient(**common)

    def call(self, verb: str, service: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": "Bearer dana@example.com"}
        return requests.request(verb, f"{self.local.url}/_svc/{service}/{path}", json=body, headers=headers, timeout=30)

    def compute(self, verb: str, path: str, body: Any = None, project: str = P) -> requests.Response:
        return self.call(verb, "compute", f"compute/v1/projects/{project}/{path}", body)

    def done(self, answer: requests.Response) -> Body:
        """Wait for a compute operation; its last body."""
        assert answer.status_code == 200, answer.text
        return self._awaited(answer.json()["selfLink"])

    def _awaited(self, link: str) -> Body:
        path = link.split("/compute/v1/")[1]
        found: Body = self.call("POST", "compute", f"compute/v1/{path}/wait").json()
        assert found["status"] == "DONE"
        return found

    def finished(self, operation: Any) -> None:
        """An operation that one of Google's compute clients began ended well (their own waiting asks Google itself)."""
        assert "error" not in self._awaited(operation.self_link)

    def made(self, answer: requests.Response) -> None:
        """The operation ended well."""
        assert "error" not in self.done(answer)

    def fails(self, answer: requests.Response) -> tuple[str, str]:
        """Code and message that an accepted operation ends with."""
        [error] = self.done(answer)["error"]["errors"]
        return error["code"], error["message"]

    def refused(self, answer: requests.Response) -> tuple[int, str, str]:
        """Status, reason and message of a refusal at once."""
        error = answer.json()["error"]
        return answer.status_code, error["errors"][0]["reason"], error["message"]

    def network(self, name: str = "net", project: str = P, **fields: Any) -> None:
        body = {"name": name, "autoCreateSubnetworks": False, **fields}
        self.made(self.compute("POST", "global/networks", body, project))

    def begin_subnet(
        self, name: str, cidr: str, network: str = "net", project: str = P, **fields: Any
    ) -> requests.Response:
        body = {"name": name, "ipCidrRange": cidr, "network": f"global/networks/{network}", **fields}
        return self.compute("POST", f"regions/{R}/subnetworks", body, project)

    def subnet(self, name: str, cidr: str, network: str = "net", project: str = P, **fields: Any) -> None:
        self.made(self.begin_subnet(name, cidr, network, project, **fields))

    def router(self, name: str = "router", *nats: Body, network: str = "net", project: str = P) -> requests.Response:
        body = {"name": name, "network": f"global/networks/{network}", "nats": list(nats)}
        return self.compute("POST", f"regions/{R}/routers", body, project)

    def rule(self, name: str, project: str = P, network: str = "net", **fields: Any) -> None:
        body = {"name": name, "network": f"global/networks/{network}", **fields}
        self.made(self.compute("POST", "global/firewalls", body, project))

    def rules(self, project: str = P) -> list[str]:
        return [one["name"] for one in self.compute("GET", "global/firewalls", project=project).json().get("items", [])]

    def begin(self, id_: str = "out", *, project: str = P, **fields: Any) -> Any:
        connector = vpcaccess_v1.Connector({"subnet": {"name": "out"}, **SIZE} if not fields else {**SIZE, **fields})
        parent = f"projects/{project}/locations/{R}"
        return self.connectors.create_connector(parent=parent, connector=connector, connector_id=id_, metadata=DANA)

    def connector(self, id_: str = "out", *, project: str = P, **fields: Any) -> Any:
        return self.begin(id_, project=project, **fields).result(timeout=30)

    def remove(self, name: str = OUT) -> None:
        self.connectors.delete_connector(name=name).result(timeout=30)

    def state(self, name: str = OUT) -> str:
        found: str = self.connectors.get_connector(name=name).state.name
        return found

    def job(
        self, connector: str = OUT, project: str = P, name: str = "job", egress: str = "ALL_TRAFFIC"
    ) -> requests.Response:
        vpc = {"connector": connector} | ({"egress": egress} if egress else {})
        task = {"containers": [{"image": "image"}], "serviceAccount": ACCOUNT, "vpcAccess": vpc}
        path = f"v2/projects/{project}/locations/{R}/jobs?jobId={name}"
        return self.call("POST", "run", path, {"template": {"template": task}})

    def admin(self, action: str, body: Body) -> Body:
        answer = requests.post(f"{self.local.url}/_localcloud/{action}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    def switch(self, name: str, value: Any) -> None:
        self.admin("switches", {name: value})


def gateway(*subnets: str, name: str = "nat", **fields: Any) -> Body:
    """A public gateway for the primary ranges of `subnets`, or without any for all."""
    listed = [
        {"name": f"regions/{R}/subnetworks/{one}", "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]} for one in subnets
    ]
    option = "LIST_OF_SUBNETWORKS" if listed else "ALL_SUBNETWORKS_ALL_IP_RANGES"
    found: Body = {"name": name, "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": option}
    return found | ({"subnetworks": listed} if listed else {}) | fields


@contextmanager
def building() -> Iterator[Building]:
    projects = {P: NUMBER, HOST: HOST_NUMBER}
    with LocalCloud(projects=projects, clock=Clock()) as local, grpc.insecure_channel(local.grpc) as channel:
        yield Building(local, channel)
