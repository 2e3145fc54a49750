"""Faults on the admin surface: by rule or by name, and those that events meet on their way."""

from __future__ import annotations

from typing import Any

from localcloud.admin.fields import Fields, WrongField
from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import CODES, ApiError
from localcloud.faults import calls as rules
from localcloud.faults import events as eventfaults


def faults(cloud: Cloud, given: Fields) -> Document:
    """Have calls meet a fault: one of the catalogue by `name`, or `method` (wildcards allowed) with what it meets.

    What: code, message, reason, http (an error; with `after` or `operation`), `drop`, `latency`. Whom: times, skip,
    probability, seed, principal. `clear` forgets every fault.
    """
    if given.flag("clear", default=False):
        cloud.faults.clear()
        return shown(cloud, given)
    how = _how(given)
    name = given.text("name", "")
    if name and name not in rules.catalogue():
        raise WrongField("name", f"there is no fault {name!r}; GET catalogue lists them")
    cloud.faults.append(rules.by_name(name, **how) if name else _by_rule(given, how))
    return shown(cloud, given)


def _how(given: Fields) -> dict[str, Any]:
    probability = _probability(given)
    times = given.whole("times", 1 if probability == 1 else rules.ALWAYS)
    whom = {"skip": given.whole("skip", 0), "seed": given.whole("seed", 0), "principal": given.text("principal", "*")}
    flags = {key: given.flag(key, default=False) for key in ("after", "drop")}
    return {"times": times, "probability": probability, "latency": given.number("latency", 0.0), **whom, **flags}


def _probability(given: Fields) -> float:
    probability = given.number("probability", 1.0)
    if probability > 1:
        raise WrongField("probability", "must be from 0 to 1")
    return probability


def _by_rule(given: Fields, how: dict[str, Any]) -> rules.Fault:
    code, operation = given.whole("code", 14), given.flag("operation", default=False)
    if code not in CODES:
        raise WrongField("code", f"must be a google.rpc.Code other than OK: {', '.join(map(str, CODES))}")
    message, reason = given.text("message", "Injected fault."), given.text("reason", "")
    error = ApiError(code, message, reason=reason, http=given.whole("http", 0))
    said = {"code", "message", "reason", "http", "operation"} & given.everything().keys()
    only = (how["latency"] or how["drop"]) and not said
    return rules.Fault(given.text("method"), None if only else error, operation=operation, **how)


def shown(cloud: Cloud, _: Fields) -> Document:
    """The faults that are still to come."""
    return {"faults": [_described(one) for one in cloud.faults if one.times > 0]}


def _described(one: rules.Fault) -> Document:
    error = str(one.error) if one.error else None
    said = {"name": one.name, "method": one.method, "also": list(one.also), "error": error, "times": one.times}
    said["after"] = one.after
    return said | {"drop": one.drop, "operation": one.operation, "latency": one.latency, "probability": one.probability}


def catalogue(_: Cloud, __: Fields) -> Document:
    """Every fault that can be had by name."""
    return {"catalogue": list(rules.catalogue().values())}


def events(cloud: Cloud, given: Fields) -> Document:
    """Have log entries lost, doubled, delayed, reordered or split on their way.

    `methodName` and `serviceName` may hold wildcards. `sameMessage`: a doubled one comes again as the same message, as
    Pub/Sub delivers one again; without it, as another message with the same entry.
    """
    part = cloud.part(eventfaults.EventFaults)
    if given.flag("clear", default=False):
        part.rules.clear()
        return {"eventFaults": []}
    kind = given.text("kind")
    if kind not in eventfaults.KINDS:
        raise WrongField("kind", f"must be one of {', '.join(eventfaults.KINDS)}")
    probability = _probability(given)
    part.rules.append(
        eventfaults.Rule(
            kind,
            given.text("methodName", "*"),
            times=given.whole("times", 1 if probability == 1 else rules.ALWAYS),
            probability=probability,
            seed=given.whole("seed", 0),
            seconds=given.number("seconds", 5.0),
            count=given.whole("count", 2),
            service=given.text("serviceName", "*"),
            same=given.flag("sameMessage", default=False),
        )
    )
    return {"eventFaults": [rule.described() for rule in part.rules]}
