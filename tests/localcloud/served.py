"""A local Google Cloud's REST face on a real socket, and Google's own compute clients pointed at it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import uvicorn
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1
from starlette.routing import BaseRoute

from localcloud import compute, dns
from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.wire import rest
from localcloud.wire.connections import Protocol
from localcloud.wire.serving import Server

__all__ = ["P", "R", "Served", "compute", "dns", "served"]

P = "my-project"
R = "europe-west2"
V1 = f"/compute/v1/projects/{P}"
OWNER = "dana@example.com"
RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "localcloud" / "recorded_compute.json").read_text(encoding="utf-8")
)


class Served:
    """The cloud, its address, and short words for what tests do all the time."""

    def __init__(self, cloud: Cloud, url: str) -> None:
        self.cloud = cloud
        self.url = url
        self.http = requests.Session()
        options = {"api_endpoint": f"{url}/_svc/compute"}
        common: dict[str, Any] = {"client_options": options, "credentials": AnonymousCredentials()}  # type: ignore[no-untyped-call]
        self.networks = compute_v1.NetworksClient(**common)
        self.subnets = compute_v1.SubnetworksClient(**common)
        self.firewalls = compute_v1.FirewallsClient(**common)
        self.routers = compute_v1.RoutersClient(**common)
        self.routes = compute_v1.RoutesClient(**common)
        self.everywhere = compute_v1.GlobalOperationsClient(**common)
        self.regional = compute_v1.RegionOperationsClient(**common)

    def close(self) -> None:
        self.http.close()
        for client in vars(self).values():
            if hasattr(client, "transport"):
                client.transport.close()

    def call(self, verb: str, path: str, body: Any = None, principal: str = OWNER, **headers: str) -> requests.Response:
        """One request on the bare wire; `path` without `/compute/v1/projects/P` starts with a dot."""
        where = self.url + (V1 + path[1:] if path.startswith(".") else path)
        sent = {"Authorization": f"Bearer {principal}"} | headers
        return self.http.request(verb, where, json=body, headers=sent, timeout=30)

    def done(self, answer: requests.Response) -> dict[str, Any]:
        """Wait for a compute operation on the bare wire; its last body."""
        assert answer.status_code == 200, answer.text
        operation = answer.json()
        scope = f".{operation['selfLink'].partition(P)[2]}"
        found: dict[str, Any] = self.call("POST", f"{scope}/wait").json()
        assert found["status"] == "DONE"
        return found

    def made(self, answer: requests.Response) -> None:
        """The operation ended well."""
        assert "error" not in self.done(answer)

    def network(self, name: str = "net", **fields: Any) -> None:
        self.made(self.call("POST", "./global/networks", {"name": name, "autoCreateSubnetworks": False, **fields}))

    def subnet(self, name: str, cidr: str, region: str = R, network: str = "net", **fields: Any) -> None:
        body = {"name": name, "ipCidrRange": cidr, "network": f"global/networks/{network}", **fields}
        self.made(self.call("POST", f"./regions/{region}/subnetworks", body))

    def rule(self, name: str = "rule", **fields: Any) -> requests.Response:
        body = {"name": name, "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp"}], **fields}
        return self.call("POST", "./global/firewalls", {key: one for key, one in body.items() if one is not None})

    def router(self, name: str, nats: list[dict[str, Any]] | None = None, region: str = R) -> requests.Response:
        body = {"name": name, "network": "global/networks/net"} | ({"nats": nats} if nats is not None else {})
        return self.call("POST", f"./regions/{region}/routers", body)

    def entries(self, method: str) -> list[dict[str, Any]]:
        """The activity log's entries of one method, oldest first."""
        found = self.cloud.table("logging.entries").values()
        return [one for one in found if one["protoPayload"]["methodName"] == method]


@contextmanager
def served(clock: Clock | None = None, routes: Sequence[BaseRoute] = ()) -> Iterator[Served]:
    """A cloud whose time moves only while somebody waits for it, unless a clock is given."""
    cloud = Cloud(clock=clock or Clock(idle=False))
    config = uvicorn.Config(
        rest.app(cloud, routes), log_level="warning", timeout_graceful_shutdown=1, ws="none", http=Protocol
    )
    server = Server(config)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.up.wait(20)
        cloud.clock.start()
        stage = Served(cloud, f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            yield stage
        finally:
            stage.close()
            cloud.clock.stop()
            server.end()
            thread.join(timeout=10)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Status, compute's reason and the message of a refused call; checks the body's shape on the way."""
    error = answer.json()["error"]
    assert error.keys() == {"code", "errors", "message"}
    assert error["code"] == answer.status_code
    assert error["errors"][0]["message"] == error["message"]
    return answer.status_code, error["errors"][0]["reason"], error["message"]
