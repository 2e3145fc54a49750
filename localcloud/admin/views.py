"""What the admin surface shows."""

from __future__ import annotations

from dataclasses import asdict

from localcloud.access.used import Used
from localcloud.admin import faults as faultasking
from localcloud.admin.fields import Fields
from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.eventarc import Eventarc
from localcloud.pubsub.mailroom import Mailroom
from localcloud.pubsub.push import Poster
from localcloud.slack import Slack
from localcloud.switches import SWITCHES
from localcloud.world import world


def state(cloud: Cloud, _: Fields) -> Document:
    """Time, what is due, how much there is of each kind, and every setting."""
    return {
        "time": cloud.clock.stamp(),
        "seconds": cloud.clock.seconds(),
        "virtual": cloud.clock.virtual,
        "pending": cloud.clock.pending,
        "failures": [repr(failure) for failure in cloud.clock.failures],
        "projects": cloud.projects,
        "resources": {kind: len(table) for kind, table in sorted(cloud.tables.items()) if table},
        "operations": {"all": len(cloud.operations), "running": sum(not one.done for one in cloud.operations.values())},
        "disabled": sorted(cloud.disabled),
        "denied": cloud.denied,
        "faults": faultasking.shown(cloud, _)["faults"],
        "switches": cloud.switches,
        "durations": cloud.durations,
        "triggers": [asdict(trigger) for trigger in cloud.part(Eventarc).triggers.values()],
    }


def switches(cloud: Cloud, _: Fields) -> Document:
    """Every switch: how it is set, what it is unless set, and what it decides."""
    return {
        name: {"value": cloud.switch(name), "default": one.default, "decides": one.decides}
        for name, one in SWITCHES.items()
    }


def everything(cloud: Cloud, _: Fields) -> Document:
    """Every resource, without what differs from run to run."""
    return world(cloud)


def calls(cloud: Cloud, given: Fields) -> Document:
    """The calls answered so far, from the `since`-th; `next` is what to ask for the next time."""
    since = given.whole("since", 0)
    found = [{**asdict(record), "params": dict(record.params)} for record in cloud.records[since:]]
    return {"calls": found, "next": len(cloud.records)}


def used(cloud: Cloud, _: Fields) -> Document:
    """The permissions that each caller has used so far, with the resource of each."""
    return cloud.part(Used).shown()


def slack(cloud: Cloud, _: Fields) -> Document:
    """Slack's mode, messages and channels, and the scopes of its tokens."""
    double = cloud.part(Slack)
    messages = [asdict(message) for message in double.messages]
    return {"mode": double.mode, "limited": double.limited, "requests": double.requests, "messages": messages} | {
        "channels": [asdict(one) for one in double.channels.values()],
        "scopes": double.scopes,
    }


def deliveries(cloud: Cloud, _: Fields) -> Document:
    """How many pushes each endpoint answered with each status (0: no answer), and what is not delivered yet."""
    counts: dict[str, dict[str, int]] = {}
    for (url, status), count in sorted(cloud.part(Poster).counts.items()):
        counts.setdefault(url, {})[str(status)] = count
    return {
        "endpoints": counts,
        "subscriptions": cloud.part(Mailroom).waiting(),
        "triggers": cloud.part(Eventarc).waiting(),
    }
