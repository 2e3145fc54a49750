"""compute.globalOperations and regionOperations. `wait` holds the request; virtual time passes for `get` too."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.common import Kind, absent, link, region_of
from localcloud.compute.listing import aggregated, envelope
from localcloud.core import Cloud, serves

OPERATIONS = Kind("operation", "operations", "gce_operation", "operation_id")


def _scope(cloud: Cloud, call: Call) -> str:
    project = cloud.project_id(call.params["project"])
    where = f"regions/{region_of(call)}" if "region" in call.params else "global"
    return f"projects/{project}/{where}/operations"


def _read(cloud: Cloud, call: Call) -> Document:
    """The operation, if it lies in this scope: an operation of another region is not found here."""
    name = f"{_scope(cloud, call)}/{call.params['operation']}"
    running = cloud.operations.get(call.params["operation"])
    if running is None or running.body.get("selfLink") != link(name):
        raise absent(name)
    return dict(running.body)


def _list(cloud: Cloud, call: Call) -> Document:
    scope = _scope(cloud, call)
    bodies = ((one.name, one.body) for one in cloud.operations.values())
    mine = [(name, body) for name, body in bodies if body.get("selfLink") == link(f"{scope}/{name}")]
    return envelope(call, "compute#operationList", scope, mine)


@serves("compute.globalOperations.aggregatedList", permissions=("compute.globalOperations.list",))
def _aggregated(cloud: Cloud, call: Call) -> Document:
    """The project's operations of every scope."""
    links = ((link_of(one.body), one.body) for one in cloud.operations.values() if "selfLink" in one.body)
    mine = f"projects/{cloud.project_id(call.params['project'])}/"
    return aggregated(cloud, call, OPERATIONS, [(name, body) for name, body in links if name.startswith(mine)])


def link_of(body: Document) -> str:
    """The canonical name behind a resource's own link."""
    return "projects/" + str(body["selfLink"]).partition("/projects/")[2]


for _kind in ("globalOperations", "regionOperations"):
    serves(f"compute.{_kind}.get", permissions=(f"compute.{_kind}.get",), waits=True)(_read)
    serves(f"compute.{_kind}.wait", permissions=(f"compute.{_kind}.get",), waits=True)(_read)
    serves(f"compute.{_kind}.list", permissions=(f"compute.{_kind}.list",))(_list)
