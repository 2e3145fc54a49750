"""What probes are tried in: networks, connectors, rules, routes and NAT, and a job that sends, made over the wire."""

from __future__ import annotations

from typing import Any

import requests

from localcloud.server import LocalCloud

PROJECT, HOST, REGION, OTHER = "my-project", "host-project", "europe-west2", "europe-west1"
JOB = f"projects/{PROJECT}/locations/{REGION}/jobs/report"
CONNECTOR = f"projects/{PROJECT}/locations/{REGION}/connectors/out"
NETWORK = f"projects/{PROJECT}/global/networks/net"
TAG = f"vpc-connector-{REGION}-out"
HEADERS = {"Authorization": "Bearer dana@example.com"}
ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"
Fields = dict[str, Any]
NONE: Fields = {"denied": [{"IPProtocol": "all"}]}


def ports(text: str) -> list[dict[str, Any]]:
    """What a VPC firewall rule says of one tcp port, or of a range of them."""
    return [{"IPProtocol": "tcp", "ports": [text]}]


HTTPS = ports("443")


class Ground:
    """A local Google Cloud, and short words for making things in it."""

    def __init__(self, local: LocalCloud) -> None:
        self.local = local

    def call(self, verb: str, service: str, path: str, body: Any = None, *, settle: bool = True) -> None:
        url = f"{self.local.url}/_svc/{service}/{path}"
        answer = requests.request(verb, url, json=body, headers=HEADERS, timeout=30)
        assert answer.status_code == 200, answer.text
        if settle:
            assert self.local.settle()

    def compute(self, verb: str, path: str, body: Any = None, project: str = PROJECT) -> None:
        self.call(verb, "compute", f"compute/v1/projects/{project}/{path}", body)

    def network(self, name: str = "net", project: str = PROJECT) -> None:
        self.compute("POST", "global/networks", {"name": name, "autoCreateSubnetworks": False}, project)

    def subnet(
        self, name: str, cidr: str, network: str = "net", project: str = PROJECT, region: str = REGION, **fields: Any
    ) -> None:
        body = {"name": name, "ipCidrRange": cidr, "network": f"global/networks/{network}", **fields}
        self.compute("POST", f"regions/{region}/subnetworks", body, project)

    def rule(self, name: str, network: str = "net", project: str = PROJECT, **fields: Any) -> None:
        self.compute(
            "POST", "global/firewalls", {"name": name, "network": f"global/networks/{network}"} | fields, project
        )

    def egress(self, name: str = "rule", **fields: Any) -> None:
        self.rule(name, **{"direction": "EGRESS", "targetTags": [TAG], "priority": 900, **fields})

    def route(self, name: str, to: str, **fields: Any) -> None:
        self.compute(
            "POST", "global/routes", {"name": name, "network": "global/networks/net", "destRange": to, **fields}
        )

    def default_route(self) -> str:
        found = self.local.cloud.table("compute.routes")
        [name] = [
            one["name"] for one in found.values() if one["destRange"] == "0.0.0.0/0" and one["network"].endswith("/net")
        ]
        return str(name)

    def nat(
        self, *subnets: str, region: str = REGION, network: str = "net", project: str = PROJECT, **fields: Any
    ) -> None:
        """A public gateway for the primary ranges of `subnets`, unless `fields` say otherwise."""
        listed = [
            {"name": f"regions/{region}/subnetworks/{name}", "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]}
            for name in subnets
        ]
        gateway: Fields = {
            "name": "nat",
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
        }
        gateway |= {"subnetworks": listed} if listed else {}
        body = {"name": "router", "network": f"global/networks/{network}", "nats": [gateway | fields]}
        self.compute("POST", f"regions/{region}/routers", body, project)

    def connector(self, *, settle: bool = True, **fields: Any) -> None:
        body = {"minInstances": 2, "maxInstances": 3, **(fields or {"subnet": {"name": "out"}})}
        path = f"v1/projects/{PROJECT}/locations/{REGION}/connectors?connectorId=out"
        self.call("POST", "vpcaccess", path, body, settle=settle)

    def job(self, vpc: dict[str, Any] | None = None) -> None:
        task = {"containers": [{"image": "image"}], "serviceAccount": ACCOUNT} | ({"vpcAccess": vpc} if vpc else {})
        parent = JOB.removesuffix("/jobs/report")
        self.call("POST", "run", f"v2/{parent}/jobs?jobId=report", {"template": {"template": task}})

    def target(self, name: str, ip: str, network: str = NETWORK, **fields: Any) -> None:
        assert "targets" in self.admin("targets", {"name": name, "network": network, "ip": ip, **fields})

    def policy(self, *rules: dict[str, Any], kind: str = "NETWORK", name: str = "policy") -> None:
        """A firewall policy in force on the network: nothing makes one over the wire."""
        numbered = [{"priority": 10 * (index + 1), **one} for index, one in enumerate(rules)]
        held = self.local.cloud.table("compute.effective_policies").setdefault(NETWORK, {"firewallPolicys": []})
        held["firewallPolicys"].append({"name": name, "type": kind, "rules": numbered})

    def link(self, one: str, other: str, **fields: Any) -> None:
        """One side of a peering."""
        peering = {"name": other, "network": f"global/networks/{other}", "exchangeSubnetRoutes": True, **fields}
        self.compute("POST", f"global/networks/{one}/addPeering", {"networkPeering": peering})

    def peer(self, *to: str, kind: str = "SUBNET_PEERING_ROUTE", imported: bool = True) -> None:
        """Routes of a peer that is not in this cloud: nothing brings these over the wire."""
        routes = [{"destRange": one, "type": kind, "imported": imported, "priority": 0} for one in to]
        self.local.cloud.table("compute.peering_routes")[NETWORK] = {"items": routes}

    def admin(self, action: str, body: Any) -> Any:
        return requests.post(f"{self.local.url}/_localcloud/{action}", json=body, timeout=30).json()

    def probe(self, packet: str) -> Any:
        service, _, to = packet.partition(" ")
        protocol, _, port = service.partition(":")
        return self.admin("probe", {"job": JOB, "to": to, "protocol": protocol} | ({"port": int(port)} if port else {}))
