"""The story of an examination: look from outside, send an echo through every door, listen, and judge."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
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
TIMEOUT = 300.0  # seconds: a new sink, and a new grant, may need minutes
AGAIN = (15.0, 30.0, 60.0)  # seconds until a silent echo is sent again: first, then, and from then on


@dataclass
class _Echo:
    """One echo on its way."""

    asked: EchoAsked
    flow: str
    source: str
    heard: Heard = field(init=False)
    tries: int = 0

    def __post_init__(self) -> None:
        self.heard = Heard(self.flow, self.source)

    def send(self, laid: Deployment, clients: Clients) -> None:
        """Send it, or send it again under the same id. Raises CloudError."""
        self.tries += 1
        if self.source:
            echoing.write(clients, self.source, self.asked, self.tries)
        else:
            echoing.publish(clients, getattr(laid.topics, self.flow), self.asked)

    @property
    def path(self) -> str:
        """Where it goes, for people."""
        return f"{DOORS[self.flow]}, from the log of {self.source}" if self.source else DOORS[self.flow]


@dataclass(frozen=True)
class _Watch:
    """How long the echoes have been waited for, and may be."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    began: float
    timeout: float

    @property
    def seconds(self) -> float:
        return self.clock() - self.began


def examine(
    deployment: Deployment,
    clients: Clients,
    *,
    sources: Sequence[str] = (),
    timeout: float = TIMEOUT,
    tell: Tell = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Diagnosis:
    """Examine a deployment; `tell` hears what is going on. Waits `timeout` seconds at most for the echoes, and sends
    again those that stay out: what is written before a new sink works is lost.

    `sources`: the projects in whose logs the echoes for the sinks are written, instead of each that has a sink of its
    own, and the home project where a folder or organization is watched.
    """
    laid = deployment.sampled(sources or (deployment.project,))
    sources = sources or deployment.sources
    began = clock()
    sent = list(_sent(laid, sources, clients, tell))
    tell("looking at what was laid")
    looked = _looked(laid, clients)
    _listen(sent, _Watch(clock, sleep, began, timeout), laid, clients, tell)
    if any(one.tries > 1 for one in sent):  # what was not ready at first may be now
        tell("looking again at what was laid")
        looked = _looked(laid, clients)
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
            echo.send(laid, clients)
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


def _listen(sent: list[_Echo], watch: _Watch, laid: Deployment, clients: Clients, tell: Tell) -> None:
    """Wait for the answers, until all have come or time is up; each echo's `heard` says how long it took."""
    again = AGAIN[0]
    pause = min(max(clients.settings.poll_seconds, PAUSE[0]), PAUSE[1])
    waiting = {one.asked.echo: one for one in sent if one.heard.unsent is None}
    while waiting:
        tell(_words(list(waiting.values()), len(sent), watch.seconds, watch.timeout))
        try:
            found = echoing.hear(clients, laid.subscriptions.doctor, set(waiting))
        except CloudError as error:
            for each in waiting.values():
                each.heard = Heard(each.flow, each.source, unsent=_unsent(error))
            return
        seconds = watch.seconds
        for said in found:
            if said.echo in waiting:
                each = waiting.pop(said.echo)
                each.heard = Heard(each.flow, each.source, said, seconds)
        if seconds >= watch.timeout:
            break
        if waiting and watch.seconds >= again:
            again += AGAIN[min(_again(waiting.values(), laid, clients), len(AGAIN)) - 1]
        if waiting:
            watch.sleep(pause)
    for each in waiting.values():
        each.heard = Heard(each.flow, each.source, seconds=watch.seconds)


def _again(waiting: Iterable[_Echo], laid: Deployment, clients: Clients) -> int:
    """Send what stays out once more; how often it was sent. What cannot be sent this time, may be the next."""
    for each in waiting:
        with contextlib.suppress(CloudError):
            each.send(laid, clients)
    return max(each.tries for each in waiting)


def _words(waiting: Sequence[_Echo], all_: int, seconds: float, timeout: float) -> str:
    said = f"waiting for {len(waiting)} of {all_} echoes ({seconds:.0f} of {timeout:.0f} s)"
    tries = max(each.tries for each in waiting)
    if tries == 1:
        return said
    paths = ", ".join(each.path for each in waiting)
    return f"{said}; sent {tries} times to {paths}; a new sink or grant may need minutes"
