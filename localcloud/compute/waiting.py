"""compute.globalOperations and regionOperations. `wait` holds the request; virtual time passes for `get` too."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.common import absent, link, region_of
from localcloud.compute.listing import envelope
from localcloud.core import Cloud, serves


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


for _kind in ("globalOperations", "regionOperations"):
    serves(f"compute.{_kind}.get", permissions=(f"compute.{_kind}.get",), waits=True)(_read)
    serves(f"compute.{_kind}.wait", permissions=(f"compute.{_kind}.get",), waits=True)(_read)
    serves(f"compute.{_kind}.list", permissions=(f"compute.{_kind}.list",))(_list)
