"""Shared VPC: host projects, the service projects that are attached to them, and who of these may use a subnet.

As long as no project of this cloud has been made a host, every project may use every other's subnets; from then on
only an attached one may (switch `sharedvpc.checked`: None is that, True and False decide at once).
Source: compute's documentation of the xpn methods; texts: as quoted in public issues, for a service project that is
asked to be what it cannot be in their style.
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.calls import Audited, Call, Document, Target
from localcloud.compute.common import repeatable
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError
from localcloud.operations import start_compute

ENABLE_HOST = "compute.organizations.enableXpnHost"
ENABLE_RESOURCE = "compute.organizations.enableXpnResource"


class SharedVpc:
    """The host projects of a cloud, and the host of every service project."""

    def __init__(self, _cloud: Cloud) -> None:
        self.hosts: set[str] = set()
        self.attached: dict[str, str] = {}


def attach(cloud: Cloud, host: str, service: str) -> None:
    """Make `service` a service project of the host project `host`, at once."""
    shared = cloud.part(SharedVpc)
    shared.hosts.add(host)
    shared.attached[service] = host


def detach(cloud: Cloud, service: str) -> None:
    """Make a project nobody's service project."""
    cloud.part(SharedVpc).attached.pop(service, None)


def may_use(cloud: Cloud, service: str, host: str) -> bool:
    """Whether a project's resources may lie in subnets of another project."""
    shared = cloud.part(SharedVpc)
    checked = cloud.switch("sharedvpc.checked")
    if not (bool(shared.hosts) if checked is None else checked):
        return True
    return service == host or (host in shared.hosts and shared.attached.get(service) == host)


def is_host(cloud: Cloud, project: str) -> bool:
    return project in cloud.part(SharedVpc).hosts


def _audited(verb: str) -> Audited:
    def target(cloud: Cloud, call: Call) -> Target:
        project = cloud.project_id(call.params["project"])
        return Target(project, f"projects/{project}", "gce_project", {"project_id": project})

    return Audited(f"v1.compute.projects.{verb}", target, f"compute.projects.{verb}")


def _start(cloud: Cloud, call: Call, check: Callable[[], None], act: Callable[[], None]) -> Document:
    """Start a change of one project's part in Shared VPC; what is wrong is said at once."""
    project = cloud.project_id(call.params["project"])
    check()

    def finish() -> None:
        check()
        act()

    return start_compute(
        cloud,
        call,
        project=project,
        target=f"projects/{project}",
        target_id=cloud.number(project),
        kind=call.method.rsplit(".", 1)[-1],
        region=None,
        seconds=cloud.duration(call.method),
        finish=finish,
    )


@serves("compute.projects.enableXpnHost", permissions=(ENABLE_HOST,), audited=_audited("enableXpnHost"))
@repeatable
def enable_host(cloud: Cloud, call: Call) -> Document:
    """Let a project share its networks; again is no mistake."""
    shared, project = cloud.part(SharedVpc), cloud.project_id(call.params["project"])

    def check() -> None:
        if project in shared.attached:
            raise _misused(f"'projects/{project}' is a shared VPC service project.")

    return _start(cloud, call, check, lambda: shared.hosts.add(project))


@serves("compute.projects.disableXpnHost", permissions=(ENABLE_HOST,), audited=_audited("disableXpnHost"))
@repeatable
def disable_host(cloud: Cloud, call: Call) -> Document:
    """Have a project share nothing any more, if no service project is attached to it."""
    shared, project = cloud.part(SharedVpc), cloud.project_id(call.params["project"])

    def check() -> None:
        _check_host(cloud, project)
        for service, host in sorted(shared.attached.items()):
            if host == project:
                message = f"The project resource 'projects/{project}' is already being used by 'projects/{service}'"
                raise ApiError(INVALID, message, reason="resourceInUseByAnotherResource")

    return _start(cloud, call, check, lambda: shared.hosts.discard(project))


@serves("compute.projects.enableXpnResource", permissions=(ENABLE_RESOURCE,), audited=_audited("enableXpnResource"))
@repeatable
def enable_resource(cloud: Cloud, call: Call) -> Document:
    """Attach a service project to a host project."""
    shared, project, service = cloud.part(SharedVpc), cloud.project_id(call.params["project"]), _service(cloud, call)

    def check() -> None:
        _check_host(cloud, project)
        if service in shared.hosts:
            raise _misused(f"'projects/{service}' is a shared VPC host project.")
        if shared.attached.get(service, project) != project:
            raise _misused(f"'projects/{service}' is a service project of 'projects/{shared.attached[service]}'.")

    return _start(cloud, call, check, lambda: attach(cloud, project, service))


@serves("compute.projects.disableXpnResource", permissions=(ENABLE_RESOURCE,), audited=_audited("disableXpnResource"))
@repeatable
def disable_resource(cloud: Cloud, call: Call) -> Document:
    """Detach a service project; what it has in the host's subnets stays there."""
    shared, project, service = cloud.part(SharedVpc), cloud.project_id(call.params["project"]), _service(cloud, call)

    def check() -> None:
        _check_host(cloud, project)
        if shared.attached.get(service) != project:
            raise _misused(f"'projects/{service}' is not a service project of 'projects/{project}'.")

    return _start(cloud, call, check, lambda: detach(cloud, service))


def _service(cloud: Cloud, call: Call) -> str:
    resource: Document = call.body.get("xpnResource", {})
    if resource.get("type", "PROJECT") != "PROJECT" or not resource.get("id"):
        message = "Invalid value for field 'xpnResource': ''. A project must be named."
        raise ApiError(INVALID, message, reason="invalid")
    return cloud.project_id(resource["id"])


def _check_host(cloud: Cloud, project: str) -> None:
    if not is_host(cloud, project):
        raise _misused(f"'projects/{project}' is not a shared VPC host project.")


def _misused(what: str) -> ApiError:
    return ApiError(INVALID, f"Invalid resource usage: '{what}'.", reason="invalidResourceUsage")


@serves("compute.projects.getXpnResources", permissions=("compute.projects.get",))
def get_resources(cloud: Cloud, call: Call) -> Document:
    """The service projects of a host project."""
    project = cloud.project_id(call.params["project"])
    if not is_host(cloud, project):
        raise _misused(f"The resource 'projects/{project}' is not a shared VPC host project.")
    mine = sorted(service for service, host in cloud.part(SharedVpc).attached.items() if host == project)
    found: Document = {"kind": "compute#projectsGetXpnResources"}
    return found | ({"resources": [{"id": one, "type": "PROJECT"} for one in mine]} if mine else {})


def host_of(cloud: Cloud, project: str) -> str | None:
    """The host project of a service project."""
    return cloud.part(SharedVpc).attached.get(project)


def hosts(cloud: Cloud) -> list[str]:
    """Every host project."""
    return sorted(cloud.part(SharedVpc).hosts)


def attached(cloud: Cloud) -> dict[str, str]:
    """The host project of every service project."""
    return dict(cloud.part(SharedVpc).attached)
