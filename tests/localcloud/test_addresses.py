"""Every Google host on one port: by Host header, through the proxy, by prefix; batches, versions, enum numbers."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from localcloud.clock import Clock
from localcloud.errors import ApiError
from localcloud.server import LocalCloud
from localcloud.wire.addresses import Address, address
from tests.localcloud.served import P, Served, served

NETWORKS = f"compute/v1/projects/{P}/global/networks"


@pytest.fixture(scope="module")
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        yield found


@pytest.mark.parametrize(
    ("path", "host", "expected"),
    [
        pytest.param("/v2/x", "127.0.0.1:9090", Address("v2/x"), id="an address: the path alone tells"),
        pytest.param("/v2/x", "localhost", Address("v2/x"), id="a name that is nobody's"),
        pytest.param("/v2/x", "run.googleapis.com", Address("v2/x", "run"), id="a Google host"),
        pytest.param(
            "/v2/x",
            "europe-west2-run.googleapis.com",
            Address("v2/x", "run", "europe-west2"),
            id="the regional endpoint that gcloud makes",
        ),
        pytest.param(
            "/v2/x",
            "run.europe-west2.rep.googleapis.com",
            Address("v2/x", "run", "europe-west2"),
            id="a regional endpoint of the newer kind",
        ),
        pytest.param(
            "/a",
            "us-central1-run.localcloud.test:80",
            Address("a", "run", "us-central1"),
            id="the name we give to gcloud",
        ),
        pytest.param("/compute/v1/x", "www.googleapis.com", Address("compute/v1/x", "compute"), id="the shared host"),
        pytest.param(
            "/compute/beta/x",
            "compute.googleapis.com",
            Address("compute/v1/x", "compute", version="beta"),
            id="another version of compute",
        ),
        pytest.param(
            "/v1beta1/projects/p/x",
            "vpcaccess.googleapis.com",
            Address("v1/projects/p/x", "vpcaccess", version="v1beta1"),
            id="another version of VPC Access, as Terraform's beta provider calls it",
        ),
        pytest.param("/_svc/run/v2/x", "127.0.0.1", Address("v2/x", "run"), id="a prefix"),
        pytest.param(
            "/_svc/europe-west2-run/v2/x", "h", Address("v2/x", "run", "europe-west2"), id="a prefix with a region"
        ),
    ],
)
def test_an_address_says_service_region_and_version(path: str, host: str, expected: Address) -> None:
    assert address(path, host) == expected


@pytest.mark.parametrize("host", ["sqladmin.googleapis.com", "sql.localcloud.test", "europe-west2-sql.localcloud.test"])
def test_a_google_host_that_is_not_served_is_refused_by_name(stage: Served, host: str) -> None:
    with pytest.raises(ApiError, match=host):
        address("/x", host)
    answer = stage.call("GET", "/v1/projects/p/instances", Host=host)
    assert answer.status_code == 404
    assert host in answer.json()["error"]["message"]
    assert "vpcaccess" in answer.json()["error"]["message"]


def test_a_client_of_the_proxy_is_answered_for_the_host_it_asks(stage: Served) -> None:
    where = urlsplit(stage.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
    connection.request("GET", f"http://compute.localcloud.test/{NETWORKS}/net?alt=json")
    assert json.load(connection.getresponse())["name"] == "net"
    connection.request("GET", f"http://run.localcloud.test/{NETWORKS}/net")
    assert connection.getresponse().read()
    connection.close()


def test_a_tunnel_is_refused_at_once_and_by_name(stage: Served) -> None:
    where = urlsplit(stage.url)
    with socket.create_connection((str(where.hostname), where.port), timeout=10) as client:
        client.sendall(b"CONNECT oauth2.googleapis.com:443 HTTP/1.1\r\nHost: oauth2.googleapis.com:443\r\n\r\n")
        first = client.makefile("rb").readline().decode()
    assert first.strip() == "HTTP/1.1 403 oauth2.googleapis.com is not served by the local Google Cloud"


def test_links_and_the_activity_log_name_the_version_that_was_called(stage: Served) -> None:
    path = f"/compute/beta/projects/{P}/global/networks"
    started = stage.call("POST", path, {"name": "later", "autoCreateSubnetworks": False}).json()
    assert "/compute/beta/" in started["selfLink"]
    assert "/compute/beta/" in started["targetLink"]
    stage.call("POST", f"/compute/beta/{started['selfLink'].partition('/beta/')[2]}/wait")
    assert (
        stage.call("GET", f"{path}/later")
        .json()["selfLink"]
        .endswith(f"compute/beta/projects/{P}/global/networks/later")
    )
    assert (
        stage.call("GET", "./global/networks/later")
        .json()["selfLink"]
        .endswith(f"/v1/projects/{P}/global/networks/later")
    )
    assert len(stage.entries("beta.compute.networks.insert")) == 2


# batches


def batch(stage: Served, *requests_: str, boundary: str = "====x==", **headers: str) -> requests.Response:
    lines: list[str] = []
    for index, one in enumerate(requests_):
        lines += [f"--{boundary}", "Content-Type: application/http", "MIME-Version: 1.0"]
        lines += ["Content-Transfer-Encoding: binary", f"Content-ID: <{index}>", "", one]
    text = "\n".join([*lines, f"--{boundary}--", ""])
    sent = {"Content-Type": f'multipart/mixed; boundary="{boundary}"', "Authorization": "Bearer dana@example.com"}
    return requests.post(f"{stage.url}/batch/compute/v1", data=text, headers=sent | headers, timeout=30)


def answers(response: requests.Response) -> list[tuple[str, str, dict[str, Any]]]:
    """Of each part: its Content-ID, status line and JSON."""
    boundary = response.headers["content-type"].partition("boundary=")[2]
    found = []
    for part in response.text.split(f"--{boundary}")[1:-1]:
        head, inner, body = part.replace("\r\n", "\n").strip().split("\n\n", 2)
        id_ = next(line for line in head.splitlines() if line.startswith("Content-ID"))
        found.append((id_.partition(": ")[2], inner.splitlines()[0], json.loads(body)))
    return found


def test_each_request_of_a_batch_is_answered_on_its_own(stage: Served) -> None:
    body = json.dumps({"name": "batched", "autoCreateSubnetworks": False})
    response = batch(
        stage,
        f"GET /{NETWORKS}/net?alt=json HTTP/1.1\nAccept: application/json\n\n",
        f"GET /{NETWORKS}/nothing HTTP/1.1\n\n",
        f"POST /{NETWORKS} HTTP/1.1\nContent-Type: application/json\nContent-Length: {len(body)}\n\n{body}",
    )
    first, second, third = answers(response)
    assert (first[0], first[1], first[2]["name"]) == ("<response-0>", "HTTP/1.1 200 OK", "net")
    assert (second[1], second[2]["error"]["code"]) == ("HTTP/1.1 404 Not Found", 404)
    assert (third[1], third[2]["kind"]) == ("HTTP/1.1 200 OK", "compute#operation")
    assert third[2]["user"] == "dana@example.com"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param("application/json", "{}", id="another content type"),
        pytest.param("multipart/mixed; boundary=x", "--x--", id="nothing in it"),
        pytest.param("multipart/mixed; boundary=x", "--x\n\nhello\n--x--", id="a part without a request line"),
    ],
)
def test_a_batch_that_holds_no_requests_is_refused(stage: Served, kind: str, text: str) -> None:
    answer = requests.post(f"{stage.url}/batch/compute/v1", data=text, headers={"Content-Type": kind}, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "badRequest"


def test_enums_are_numbers_for_clients_that_ask_for_them(stage: Served) -> None:
    body = {"template": {"template": {"containers": [{"image": "image"}]}}}
    path = f"/v2/projects/{P}/locations/europe-west2/jobs"
    started = stage.call("POST", f"{path}?jobId=report&$alt=json;enum-encoding=int", body).json()
    assert started["metadata"]["terminalCondition"]["state"] == 1  # CONDITION_PENDING
    named = stage.call("GET", f"/v2/{started['name']}").json()
    assert named["response"]["template"]["template"]["executionEnvironment"] == "EXECUTION_ENVIRONMENT_GEN2"
    found = stage.call("GET", f"{path}/report?%24alt=json%3Benum-encoding%3Dint").json()
    assert (found["launchStage"], found["template"]["template"]["executionEnvironment"]) == (4, 2)  # GA, GEN2


def test_vpc_access_is_told_in_the_version_that_was_called() -> None:
    with LocalCloud(clock=Clock()) as local:
        path = f"{local.url}/v1beta1/projects/{P}/locations/europe-west2/connectors"
        body = {"network": "default", "ipCidrRange": "10.8.0.0/28", "minInstances": 2, "maxInstances": 3}
        started = requests.post(f"{path}?connectorId=mine", json=body, timeout=10).json()
        assert started["metadata"]["method"] == "google.cloud.vpcaccess.v1beta1.VpcAccessService.CreateConnector"
        requests.get(f"{local.url}/v1beta1/{started['name']}", timeout=10).raise_for_status()
        entries = local.cloud.table("logging.entries").values()
        names = {one["protoPayload"]["methodName"] for one in entries if "methodName" in one["protoPayload"]}
        assert "google.cloud.vpcaccess.v1beta1.VpcAccessService.CreateConnector" in names
