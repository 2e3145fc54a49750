"""The admin surface, `/_localcloud/`: to look at the local cloud, to move its time and to make it misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localcloud.admin import faults as faultasking
from localcloud.admin import views as adminviews
from localcloud.admin.fields import Fields, WrongField
from localcloud.calls import SERVICE_NAMES, Document
from localcloud.compute import sharedvpc
from localcloud.core import Cloud
from localcloud.eventarc import Eventarc, Trigger
from localcloud.iam import admin as access
from localcloud.probe import asking
from localcloud.projects import numbered
from localcloud.slack import MODES, Channel, Slack
from localcloud.switches import SWITCHES

Action = Callable[[Cloud, Fields], Document]


def settle(cloud: Cloud, given: Fields) -> Document:
    """Let everything happen that is due. `patience` in real seconds, `horizon` in the cloud's."""
    patience, horizon = given.number("patience", 60.0), given.number("horizon", 86_400.0)
    settled = cloud.clock.settle(patience=patience, horizon=horizon)
    return {"settled": settled, "time": cloud.clock.stamp()}


def advance(cloud: Cloud, given: Fields) -> Document:
    """Let `seconds` pass."""
    cloud.clock.advance(given.number("seconds"))
    return {"time": cloud.clock.stamp()}


def projects(cloud: Cloud, given: Fields) -> Document:
    """Have `project` exist; `number` is made up unless given."""
    project, number = given.text("project"), given.text("number", "")
    if number and (not number.isdecimal() or number in cloud.projects.values()):
        raise WrongField("number", "must be decimal digits that no other project has")
    cloud.projects.setdefault(project, number or numbered([project])[project])
    return {"projects": cloud.projects}


def shared_vpc(cloud: Cloud, given: Fields) -> Document:
    """Make `service` a service project of the Shared VPC host project `host`, or with `remove` nobody's."""
    host, service = given.text("host"), given.text("service")
    for field, project in (("host", host), ("service", service)):
        if project not in cloud.projects:
            raise WrongField(field, f"there is no project {project!r}")
    if given.flag("remove", default=False):
        sharedvpc.detach(cloud, service)
    else:
        sharedvpc.attach(cloud, host, service)
    return {"hosts": sharedvpc.hosts(cloud), "attached": sharedvpc.attached(cloud)}


def switch_services(cloud: Cloud, given: Fields) -> Document:
    """Enable or disable `service` (run.googleapis.com, or run) in `project`."""
    project, service = given.text("project"), given.text("service")
    service = SERVICE_NAMES.get(service, service)
    if project not in cloud.projects:
        raise WrongField("project", f"there is no project {project!r}")
    if service not in SERVICE_NAMES.values():
        raise WrongField("service", f"must be one of {', '.join(SERVICE_NAMES.values())}")
    if given.flag("enabled"):
        cloud.disabled.discard((project, service))
    else:
        cloud.disabled.add((project, service))
    return {"disabled": sorted(cloud.disabled)}


def deny(cloud: Cloud, given: Fields) -> Document:
    """Take `permission` away from `principal`; both may hold wildcards."""
    cloud.denied.append((given.text("principal"), given.text("permission")))
    return {"denied": cloud.denied}


def allow(cloud: Cloud, given: Fields) -> Document:
    """Clear what was denied: the pair that is given, or everything that fits what is given of it, or all."""
    wanted = given.text("principal", ""), given.text("permission", "")
    cloud.denied[:] = [
        pair
        for pair in cloud.denied
        if not all(not want or want == has for want, has in zip(wanted, pair, strict=True))
    ]
    return {"denied": cloud.denied}


def triggers(cloud: Cloud, given: Fields) -> Document:
    """Make an Eventarc trigger, or with `remove` forget it."""
    eventarc, name = cloud.part(Eventarc), given.text("name")
    if given.flag("remove", default=False):
        if name not in eventarc.triggers:
            raise WrongField("name", f"there is no trigger {name!r}")
        eventarc.remove(name)
    else:
        url = given.text("url")
        if not url.startswith(("http://", "https://")):
            raise WrongField("url", "must be an absolute URL")
        filters = (given.text(key, "") for key in ("methodName", "resourceName", "serviceAccountEmail"))
        eventarc.add(Trigger(name, url, given.text("serviceName"), *filters))
    return {"triggers": sorted(eventarc.triggers)}


def switches(cloud: Cloud, given: Fields) -> Document:
    """Set what is assumed about Google, by name; null puts the default back."""
    for name, value in given.everything().items():
        if name not in SWITCHES:
            raise WrongField(name, "there is no such switch")
        if value is None:
            cloud.switches.pop(name, None)
        else:
            cloud.switches[name] = value
    return {"switches": cloud.switches}


def durations(cloud: Cloud, given: Fields) -> Document:
    """Set how many seconds the operations of a method (or of a prefix of its id) take."""
    seconds = {name: given.number(name) for name in given.everything()}
    cloud.durations.update(seconds)
    return {"durations": cloud.durations}


def slack(cloud: Cloud, given: Fields) -> Document:
    """Put Slack in a mode: ok, down, or limited for `times` requests with `retryAfter` seconds.

    Or have a `channel` (an id) be there with `member`, `archived`, `private`, or with `gone` not; or tokens `scopes`.
    """
    double = cloud.part(Slack)
    told = set(given.everything())
    mode = given.text("mode", double.mode) if told & {"channel", "scopes"} else given.text("mode")
    if mode not in MODES:
        raise WrongField("mode", f"must be one of {', '.join(MODES)}")
    double.limited, double.retry_after = given.whole("times", 1), given.whole("retryAfter", 1)
    double.mode = mode
    if "scopes" in told:
        double.scopes = [one for one in given.text("scopes", "").split(",") if one]
    if "channel" in told:
        _channel(double, given)
    return adminviews.slack(cloud, given)


def _channel(double: Slack, given: Fields) -> None:
    id_ = given.text("channel")
    if given.flag("gone", default=False):
        double.channels.pop(id_, None)
        return
    name = given.text("name", id_.lower())
    states = {state: given.flag(state, default=state == "member") for state in ("member", "archived", "private")}
    double.channels[id_] = Channel(id_, name, **states)


VIEWS: dict[str, Action] = {
    "catalogue": faultasking.catalogue,
    "state": adminviews.state,
    "world": adminviews.everything,
    "calls": adminviews.calls,
    "used": adminviews.used,
    "slack": adminviews.slack,
    "deliveries": adminviews.deliveries,
    "switches": adminviews.switches,
    "targets": asking.shown,
    **access.VIEWS,
}
ACTIONS: dict[str, Action] = {
    "shared_vpc": shared_vpc,
    "projects": projects,
    "services": switch_services,
    "deny": deny,
    "allow": allow,
    "faults": faultasking.faults,
    "eventfaults": faultasking.events,
    "triggers": triggers,
    "switches": switches,
    "durations": durations,
    "slack": slack,
    "probe": asking.probe,
    "targets": asking.targets,
    **access.ACTIONS,
}
PASSING: dict[str, Action] = {"settle": settle, "advance": advance}  # these let time pass, so they hold no lock


def routes(cloud: Cloud) -> list[Route]:
    """One route: `/_localcloud/NAME`. Wrong fields are answered with 400 and their name."""

    async def serve(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answer, cloud, request, body)

    return [Route("/_localcloud/{name}", serve, methods=["GET", "POST"])]


def _answer(cloud: Cloud, request: Request, body: bytes) -> Response:
    name = request.path_params["name"]
    known = VIEWS if request.method in ("GET", "HEAD") else ACTIONS | PASSING
    action = known.get(name)
    if action is None:
        words = ", ".join(sorted(known))
        return JSONResponse({"error": f"{request.method} {name} is not served; these are: {words}"}, 404)
    try:
        fields = Fields(_body(request, body))
        if name in PASSING:
            answer = action(cloud, fields)
        else:
            with cloud.clock.request(), cloud.lock:
                answer = action(cloud, fields)
        return Response(json.dumps(answer, default=str), media_type="application/json")
    except WrongField as wrong:
        return JSONResponse({"error": str(wrong), "field": wrong.field}, 400)


def _body(request: Request, body: bytes) -> Any:
    if request.method in ("GET", "HEAD"):
        return dict(request.query_params)
    try:
        return json.loads(body or b"{}")
    except ValueError:
        raise WrongField("", "the body is not JSON") from None
