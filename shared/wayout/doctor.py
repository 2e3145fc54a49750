"""The story of an examination: look from outside, send an echo through every door, listen, and judge."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from wayout.cloud import deployed, echoing
from wayout.cloud.clients import Clients
from wayout.cloud.errors import CloudError
from wayout.egress import health
from wayout.egress.health import DOORS, Deployment, Diagnosis, EchoAsked, Heard, Seen, needed, seeing
from wayout.egress.health.laid import burier
from wayout.egress.health.messages import MOST
from wayout.egress.model import Absent, Present, Unreadable

Tell = Callable[[str], None]
PAUSE = (0.25, 2.0)  # seconds between two looks for answers, at least and at most


@dataclass
class _Echo:
    """One echo on its way."""

    asked: EchoAsked
    flow: str
    source: str
    heard: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.heard = Heard(self.flow, self.source)


def examine(
    deployment: Deployment, clients: Clients, *, source: str = "", timeout: float = 180.0, tell: Tell = lambda _: None
) -> Diagnosis:
    """Examine a deployment; `tell` hears what is going on. Waits `timeout` seconds at most for the echoes.

    `source`: the project in whose log the echo for the sink is written, instead of each that has a sink of its own, and
    the home project where a folder or organization is watched.
    """
    laid = deployment.sampled(source or deployment.project)
    sources = (source,) if source else deployment.sources
    began = time.monotonic()
    sent = list(_sent(laid, sources, clients, tell))
    tell("looking at what was laid")
    looked = _looked(laid, clients)
    _listen(sent, began, laid, clients, timeout, tell)
    echoes = tuple(one.heard for one in sent)
    return health.diagnose(laid, replace(looked, echoes=echoes))


def _sent(laid: Deployment, sources: Iterable[str], clients: Clients, tell: Tell) -> Iterator[_Echo]:
    """An echo down every flow; for the sinks, into the log of each source."""
    run = uuid.uuid4().hex[:16]
    ways = [("events", source) for source in sources] + [(flow, "") for flow in DOORS if flow != "events"]
    for number, (flow, source) in enumerate(ways):
        asked = EchoAsked(
            echo=f"doctor-{run}-{number}",
            projects=laid.projects[:MOST],
            network_projects=laid.networks[:MOST],
            accounts=laid.job_service_accounts[:MOST],
        )
        echo = _Echo(asked, flow, source)
        tell(f"sending an echo to {DOORS[flow]}")
        try:
            if source:
                echoing.write(clients, source, asked)
            else:
                echoing.publish(clients, getattr(laid.topics, flow), asked)
        except CloudError as error:
            echo.heard = Heard(flow, source, unsent=_unsent(error))
        yield echo


def _unsent(error: CloudError) -> Absent | Unreadable:
    def fail() -> None:
        raise error

    found = deployed.sighted(fail)
    return Absent() if isinstance(found, Present) else found


def _looked(laid: Deployment, clients: Clients) -> Seen:
    roles = needed.by_project(laid.project, laid.projects, laid.networks)
    flows = [*DOORS, "dead", "doctor"]
    names = {flow: getattr(laid.subscriptions, flow) for flow in flows}
    guarded = [laid.topics.events, laid.topics.outcomes, laid.topics.dead, *(names[flow] for flow in DOORS)]
    guarded += [laid.service(door) for door in DOORS.values()]
    guarded += dict.fromkeys("/".join(name.split("/")[:2]) for name in list(guarded))
    apis = {
        project: deployed.apis(clients, project, needed.apis(plays, eventarc=laid.eventarc))
        for project, plays in roles.items()
    }
    sinks = {name: deployed.sink(clients, name) for name in laid.sinks}
    policies = {name: deployed.policy(clients, name) for name in guarded}
    members = {f"serviceAccount:{laid.principal}", f"serviceAccount:{laid.invoker}", burier(apis.get(laid.project))}
    members |= {one.value.writer for one in sinks.values() if isinstance(one, Present)}
    bindings = [one.value for one in policies.values() if isinstance(one, Present)]
    custom = sorted({role for each in bindings for member in members for role in seeing.custom(each, member)})
    return Seen(
        apis=apis,
        sinks=sinks,
        subscriptions={flow: deployed.subscription(clients, name) for flow, name in names.items()},
        policies=policies,
        roles={role: deployed.role(clients, role) for role in custom},
    )


def _listen(sent: list[_Echo], began: float, laid: Deployment, clients: Clients, timeout: float, tell: Tell) -> None:
    """Wait for the answers, until all have come or time is up; each echo's `heard` says how long it took."""
    pause = min(max(clients.settings.poll_seconds, PAUSE[0]), PAUSE[1])
    waiting = {one.asked.echo: one for one in sent if one.heard.unsent is None}
    while waiting:
        tell(f"waiting for {len(waiting)} of {len(sent)} echoes ({time.monotonic() - began:.0f} s)")
        try:
            found = echoing.hear(clients, laid.subscriptions.doctor, set(waiting))
        except CloudError as error:
            for each in waiting.values():
                each.heard = Heard(each.flow, each.source, unsent=_unsent(error))
            return
        seconds = time.monotonic() - began
        for said in found:
            if said.echo in waiting:
                each = waiting.pop(said.echo)
                each.heard = Heard(each.flow, each.source, said, seconds)
        if seconds >= timeout:
            break
        if waiting:
            time.sleep(pause)
    for each in waiting.values():
        each.heard = Heard(each.flow, each.source, seconds=time.monotonic() - began)
