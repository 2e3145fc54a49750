"""Service Usage v1: which APIs are enabled in a project. What is switched here is what calls meet."""

from __future__ import annotations

from localcloud.calls import SERVICE_NAMES, TITLES, Call, Document, Running
from localcloud.core import Cloud, serves
from localcloud.errors import DENIED, INVALID, NOT_FOUND, PRECONDITION, ApiError
from localcloud.paging import paged

TYPE = "type.googleapis.com/google.api.serviceusage.v1"
OTHERS = "serviceusage.enabled"  # services that are not served, and enabled all the same: project/service
SERVED = {SERVICE_NAMES[key]: title for key, title in TITLES.items()}
# Services that deployments enable and that are not served here: they have a state and nothing else.
KNOWN = SERVED | {
    "artifactregistry.googleapis.com": "Artifact Registry API",
    "cloudasset.googleapis.com": "Cloud Asset API",
    "cloudbuild.googleapis.com": "Cloud Build API",
    "cloudfunctions.googleapis.com": "Cloud Functions API",
    "cloudscheduler.googleapis.com": "Cloud Scheduler API",
    "cloudtasks.googleapis.com": "Cloud Tasks API",
    "eventarc.googleapis.com": "Eventarc API",
    "firestore.googleapis.com": "Cloud Firestore API",
    "iamcredentials.googleapis.com": "IAM Service Account Credentials API",
    "monitoring.googleapis.com": "Cloud Monitoring API",
    "secretmanager.googleapis.com": "Secret Manager API",
    "storage.googleapis.com": "Cloud Storage API",
}


@serves("serviceusage.services.get", permissions=("serviceusage.services.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One service, with its state in a project."""
    project, service = _named(cloud, call.params["name"])
    return _service(cloud, project, service)


@serves("serviceusage.services.list", permissions=("serviceusage.services.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """All services by name, or those that are (or are not) enabled. Source: the reference: those two filters exist."""
    project = _project(cloud, call.params["parent"])
    wanted = call.params.get("filter", "").replace(" ", "")
    if wanted not in ("", "state:ENABLED", "state:DISABLED"):
        raise ApiError(INVALID, f"Invalid filter: {wanted}. Supported are state:ENABLED and state:DISABLED.")
    found = (_service(cloud, project, name) for name in sorted(KNOWN))
    shown = [one for one in found if wanted in ("", f"state:{one['state']}")]
    return paged(call, "services", shown, default=50, most=200)


@serves("serviceusage.services.batchGet", permissions=("serviceusage.services.get",))
def batch_get(cloud: Cloud, call: Call) -> Document:
    """Some services, in the order they are asked for."""
    names = call.params.get("names", "").split(",")
    return {"services": [_service(cloud, *_named(cloud, name)) for name in names if name]}


@serves("serviceusage.services.enable", permissions=("serviceusage.services.enable",))
def enable(cloud: Cloud, call: Call) -> Document:
    """Enable a service."""
    project, service = _named(cloud, call.params["name"])
    return _switch(cloud, call, project, [service], on=True, kind="EnableServiceResponse")


@serves("serviceusage.services.batchEnable", permissions=("serviceusage.services.enable",))
def batch_enable(cloud: Cloud, call: Call) -> Document:
    """Enable up to twenty services."""
    project = _project(cloud, call.params["parent"])
    services = call.body.get("serviceIds", [])
    if not 1 <= len(services) <= 20:
        raise ApiError(INVALID, f"service_ids: 1 to 20 services can be enabled in one batch, not {len(services)}.")
    for service in services:
        _check_known(service)
    return _switch(cloud, call, project, services, on=True, kind="BatchEnableServicesResponse")


@serves("serviceusage.services.disable", permissions=("serviceusage.services.disable",))
def disable(cloud: Cloud, call: Call) -> Document:
    """Disable a service; its resources stay, and cannot be reached."""
    project, service = _named(cloud, call.params["name"])
    if not _enabled(cloud, project, service):
        message = f"The service {service} is not enabled for project {cloud.number(project)} so it cannot be disabled."
        raise ApiError(PRECONDITION, message)
    return _switch(cloud, call, project, [service], on=False, kind="DisableServiceResponse")


@serves("serviceusage.operations.get", waits=True)
def operation(cloud: Cloud, call: Call) -> Document:
    """How far a switching has got."""
    name = call.params["name"].rpartition("/")[2]
    if name == "noop.DONE_OPERATION":
        return {"name": f"operations/{name}", "done": True}
    running = cloud.operations.get(name)
    if running is None:
        raise ApiError(NOT_FOUND, f"Operation {call.params['name']} was not found.")
    return dict(running.body)


class Switching:
    """Which projects have a switching under way: Google allows one at a time."""

    def __init__(self, _: Cloud) -> None:
        self.projects: set[str] = set()


def _switch(cloud: Cloud, call: Call, project: str, services: list[str], *, on: bool, kind: str) -> Document:
    """One operation for all services; none when there is nothing to do. Source: Terraform's retry predicates."""
    switching = cloud.part(Switching).projects
    if project in switching:
        raise ApiError(PRECONDITION, "Another activation or deactivation is in progress")
    if all(_enabled(cloud, project, one) is on for one in services):
        return {
            "name": "operations/noop.DONE_OPERATION",
            "done": True,
            "response": _answer(cloud, project, services, kind),
        }
    switching.add(project)
    id_ = f"acf.p2-{cloud.number(project)}-{cloud.new_uuid()}"
    names = [f"projects/{cloud.number(project)}/services/{one}" for one in services]
    body: Document = {
        "name": f"operations/{id_}",
        "metadata": {"@type": f"{TYPE}.OperationMetadata", "resourceNames": names},
    }
    running = Running(id_, id_, body)
    cloud.operations[id_] = running

    def end() -> None:
        switching.discard(project)
        for service in services:
            _set(cloud, project, service, on=on)
        running.body = body | {"done": True, "response": _answer(cloud, project, services, kind)}
        running.done = True

    cloud.after(cloud.duration(call.method), end)
    return dict(body)


def _set(cloud: Cloud, project: str, service: str, *, on: bool) -> None:
    if service not in SERVED:
        name = f"projects/{project}/services/{service}"
        cloud.table(OTHERS).pop(name, None)
        if on:
            cloud.table(OTHERS)[name] = {"state": "ENABLED"}
    elif on:
        cloud.disabled.discard((project, service))
    else:
        cloud.disabled.add((project, service))


def _enabled(cloud: Cloud, project: str, service: str) -> bool:
    if service in SERVED:
        return (project, service) not in cloud.disabled
    return f"projects/{project}/services/{service}" in cloud.table(OTHERS)


def _answer(cloud: Cloud, project: str, services: list[str], kind: str) -> Document:
    found = [_service(cloud, project, one) for one in services]
    return {"@type": f"{TYPE}.{kind}"} | ({"services": found} if kind.startswith("Batch") else {"service": found[0]})


def _service(cloud: Cloud, project: str, service: str) -> Document:
    parent = f"projects/{cloud.number(project)}"
    return {
        "name": f"{parent}/services/{service}",
        "parent": parent,
        "config": {"name": service, "title": KNOWN[service]},
        "state": "ENABLED" if _enabled(cloud, project, service) else "DISABLED",
    }


def _named(cloud: Cloud, name: str) -> tuple[str, str]:
    """The project and the service of `projects/P/services/S`."""
    parts = name.split("/")
    if len(parts) != 4 or parts[2] != "services":
        raise ApiError(INVALID, f"name: '{name}' is not of the form projects/P/services/S, and only that is served")
    project = _project(cloud, "/".join(parts[:2]))
    _check_known(parts[3])
    return project, parts[3]


def _project(cloud: Cloud, parent: str) -> str:
    kind, _, project = parent.partition("/")
    if kind != "projects":
        raise ApiError(INVALID, f"parent: '{parent}' is not of the form projects/P, and only that is served")
    return cloud.project_id(project)


def _check_known(service: str) -> None:
    """Source: gcloud's and Terraform's output for services that do not exist; ours has no help token."""
    if service in KNOWN:
        return
    info = {"reason": "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED", "domain": "serviceusage.googleapis.com"}
    details: list[Document] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo"} | info]
    raise ApiError(DENIED, f"Not found or permission denied for service(s): {service}.", details=details)
