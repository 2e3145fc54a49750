"""A local Google Cloud whose project is guarded, and short words for asking it as somebody."""

from __future__ import annotations

from typing import Any

import requests

from localcloud.server import LocalCloud

P, R = "my-project", "europe-west2"
NUMBER = "123456789012"
OWNER = "dana@example.com"
RUN = f"run/v2/projects/{P}/locations/{R}"
VPC = f"vpcaccess/v1/projects/{P}/locations/{R}"
COMPUTE = f"compute/compute/v1/projects/{P}"
CRM = f"cloudresourcemanager/v1/projects/{P}"
IAM = f"iam/v1/projects/{P}"
USAGE = f"serviceusage/v1/projects/{P}"
JOB = {"template": {"template": {"containers": [{"image": "gcr.io/my-project/image"}]}}}
CONNECTOR = {"network": "net", "ipCidrRange": "10.8.0.0/28", "minInstances": 2, "maxInstances": 3}
RULE = {"name": "rule", "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp"}]}
ROUTER = {"name": "router", "network": "global/networks/net"}
SUBNET = {"name": "small", "network": "global/networks/net", "ipCidrRange": "10.8.0.0/28"}
ENTRY = {"logName": f"projects/{P}/logs/x", "resource": {"type": "global"}, "entries": [{"textPayload": "x"}]}

# What is asked, by discovery id: verb, service and path, body. Nothing that is named exists, so the door decides.
REQUESTS: dict[str, tuple[str, str, Any]] = {
    "run.projects.locations.jobs.get": ("GET", f"{RUN}/jobs/job", None),
    "run.projects.locations.jobs.list": ("GET", f"{RUN}/jobs", None),
    "run.projects.locations.jobs.create": ("POST", f"{RUN}/jobs?jobId=job&validateOnly=true", {}),
    "run.projects.locations.jobs.patch": ("PATCH", f"{RUN}/jobs/job", JOB),
    "run.projects.locations.jobs.delete": ("DELETE", f"{RUN}/jobs/job", None),
    "run.projects.locations.jobs.run": ("POST", f"{RUN}/jobs/job:run", {}),
    "run.projects.locations.operations.wait": ("POST", f"{RUN}/operations/none:wait", {}),
    "vpcaccess.projects.locations.connectors.create": ("POST", f"{VPC}/connectors?connectorId=No", CONNECTOR),
    "vpcaccess.projects.locations.connectors.get": ("GET", f"{VPC}/connectors/none", None),
    "vpcaccess.projects.locations.connectors.list": ("GET", f"{VPC}/connectors", None),
    "vpcaccess.projects.locations.connectors.delete": ("DELETE", f"{VPC}/connectors/none", None),
    "vpcaccess.projects.locations.operations.get": ("GET", f"{VPC}/operations/none", None),
    "compute.networks.get": ("GET", f"{COMPUTE}/global/networks/net", None),
    "compute.networks.list": ("GET", f"{COMPUTE}/global/networks", None),
    "compute.networks.delete": ("DELETE", f"{COMPUTE}/global/networks/net", None),
    "compute.subnetworks.insert": ("POST", f"{COMPUTE}/regions/{R}/subnetworks", SUBNET),
    "compute.subnetworks.get": ("GET", f"{COMPUTE}/regions/{R}/subnetworks/small", None),
    "compute.subnetworks.list": ("GET", f"{COMPUTE}/regions/{R}/subnetworks", None),
    "compute.firewalls.get": ("GET", f"{COMPUTE}/global/firewalls/rule", None),
    "compute.firewalls.list": ("GET", f"{COMPUTE}/global/firewalls", None),
    "compute.firewalls.insert": ("POST", f"{COMPUTE}/global/firewalls", RULE),
    "compute.firewalls.patch": ("PATCH", f"{COMPUTE}/global/firewalls/rule", RULE),
    "compute.firewalls.update": ("PUT", f"{COMPUTE}/global/firewalls/rule", RULE),
    "compute.firewalls.delete": ("DELETE", f"{COMPUTE}/global/firewalls/rule", None),
    "compute.routers.insert": ("POST", f"{COMPUTE}/regions/{R}/routers", ROUTER),
    "compute.routers.patch": ("PATCH", f"{COMPUTE}/regions/{R}/routers/router", ROUTER),
    "compute.routers.get": ("GET", f"{COMPUTE}/regions/{R}/routers/router", None),
    "compute.routers.list": ("GET", f"{COMPUTE}/regions/{R}/routers", None),
    "compute.routes.list": ("GET", f"{COMPUTE}/global/routes", None),
    "compute.globalOperations.wait": ("POST", f"{COMPUTE}/global/operations/none/wait", None),
    "compute.regionOperations.wait": ("POST", f"{COMPUTE}/regions/{R}/operations/none/wait", None),
    "compute.addresses.get": ("GET", f"{COMPUTE}/regions/{R}/addresses/none", None),
    "compute.addresses.list": ("GET", f"{COMPUTE}/regions/{R}/addresses", None),
    "logging.entries.write": ("POST", "logging/v2/entries:write", ENTRY),
    "logging.entries.list": ("POST", "logging/v2/entries:list", {"resourceNames": [f"projects/{P}"]}),
    "logging.projects.sinks.create": ("POST", f"logging/v2/projects/{P}/sinks", {"name": "/"}),
    "pubsub.projects.topics.publish": ("POST", f"pubsub/v1/projects/{P}/topics/none:publish", {"messages": []}),
    "pubsub.projects.topics.create": ("PUT", f"pubsub/v1/projects/{P}/topics/goog", {}),
    "cloudresourcemanager.projects.get": ("GET", CRM, None),
    "cloudresourcemanager.projects.getIamPolicy": ("POST", f"{CRM}:getIamPolicy", {}),
    "cloudresourcemanager.projects.setIamPolicy": ("POST", f"{CRM}:setIamPolicy", {"policy": {"etag": "c3RhbGU="}}),
    "iam.projects.roles.create": ("POST", f"{IAM}/roles", {"roleId": "/"}),
    "iam.projects.serviceAccounts.create": ("POST", f"{IAM}/serviceAccounts", {"accountId": "/"}),
    "iam.projects.serviceAccounts.list": ("GET", f"{IAM}/serviceAccounts", None),
    "serviceusage.services.list": ("GET", f"{USAGE}/services", None),
    "serviceusage.services.enable": ("POST", f"{USAGE}/services/run.googleapis.com:enable", {}),
}


def call(
    local: LocalCloud, verb: str, path: str, body: Any = None, who: str = OWNER, **headers: str
) -> requests.Response:
    """One request as somebody (nobody when empty); `path` begins with the service."""
    sent = headers | ({"Authorization": f"Bearer {who}"} if who else {})
    return requests.request(verb, f"{local.url}/_svc/{path}", json=body, headers=sent, timeout=30)


def ask(local: LocalCloud, method: str, who: str) -> requests.Response:
    """One of the requests above."""
    verb, path, body = REQUESTS[method]
    return call(local, verb, path, body, who)


def admin(local: LocalCloud, action: str, **fields: Any) -> Any:
    """One action of the admin surface, which must work."""
    answer = requests.post(f"{local.url}/_localcloud/{action}", json=fields, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bind(local: LocalCloud, role: str, member: str, resource: str = f"projects/{P}") -> None:
    """Give a role to a member."""
    admin(local, "bind", role=role, member=member, resource=resource)
