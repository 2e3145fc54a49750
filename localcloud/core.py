"""The cloud: one state, one clock, and the one door through which every call of every wire goes."""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from localcloud import audit
from localcloud.access import admission
from localcloud.calls import Audited, Call, Document, Running, visible
from localcloud.clock import Clock
from localcloud.errors import DENIED, EXHAUSTED, NOT_FOUND, UNAUTHENTICATED, ApiError
from localcloud.faults import calls as faults
from localcloud.faults.calls import Fault
from localcloud.faults.events import EventFaults
from localcloud.switches import SWITCHES

# Seconds that an operation takes, by discovery id; assumed, and changed at will. Facts: a connector takes minutes
# (a failing one ran 2m20s, a good one was still running then); compute writes take seconds.
DURATIONS: dict[str, float] = {
    "compute.networks": 12.0,
    "compute.subnetworks": 15.0,
    "compute.firewalls": 6.0,
    "compute.routers": 8.0,
    "compute.routes": 6.0,
    "run.projects.locations.jobs.create": 4.0,
    "run.projects.locations.jobs.patch": 3.0,
    "run.projects.locations.jobs.delete": 3.0,
    "run.projects.locations.jobs.run": 20.0,
    "vpcaccess.projects.locations.connectors.create": 160.0,
    "vpcaccess.projects.locations.connectors.delete": 60.0,
    "vpcaccess.projects.locations.connectors.patch": 90.0,
}

T = TypeVar("T")
Handler = Callable[["Cloud", Call], Document]
Waits = bool | Callable[["Cloud", Call], Running | None]


@dataclass(frozen=True)
class Method:
    """A served API method. `permissions` are checked in the project that `project_of` finds in the call."""

    id: str
    handler: Handler
    permissions: tuple[str, ...] = ()
    audited: Audited | None = None
    waits: Waits = False  # virtual time may pass until what is asked for is done: an operation, or what this finds


METHODS: dict[str, Method] = {}
LONG_POLL = 120.0  # seconds; what compute's `wait` holds a request for at most
ARRIVAL = 0.8  # seconds between a log entry and its arrival at a sink; assumed, Google gives no number


def serves(
    id: str,  # noqa: A002 - Google's word for it
    *,
    permissions: tuple[str, ...] = (),
    audited: Audited | None = None,
    waits: Waits = False,
) -> Callable[[Handler], Handler]:
    """Register the handler of one API method, by its discovery id."""

    def register(handler: Handler) -> Handler:
        shape = replace(audited, permissions=permissions) if audited else None
        METHODS[id] = Method(id, handler, permissions, shape, waits)
        return handler

    return register


@dataclass(frozen=True)
class Record:
    """One call that was answered, for those who count."""

    at: float
    method: str
    params: Mapping[str, str]
    principal: str
    user_agent: str
    status: int
    writes: bool


class Cloud:
    """State, clock and rules of one local Google Cloud. Every table maps canonical names to documents."""

    def __init__(self, *, projects: Mapping[str, str] | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.lock = self.clock.lock
        self.projects: dict[str, str] = dict(projects or {"my-project": "123456789012"})
        self.tables: dict[str, dict[str, Document]] = {}
        self.disabled: set[tuple[str, str]] = set()
        self.denied: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.records: list[Record] = []
        self.switches: dict[str, Any] = {}
        # Hold every REST answer against Google's documents: a wrong one becomes a 500. For tests; it costs time.
        self.checks_answers = bool(os.environ.get("LOCALCLOUD_CHECKS_ANSWERS"))
        self.durations: dict[str, float] = dict(DURATIONS)
        self.listeners: list[Callable[[Document], None]] = []
        self.operations: dict[str, Running] = {}
        self._parts: dict[Any, Any] = {}
        self._doom: ApiError | None = None
        self._ids = itertools.count(1_000_000_000_000_000_001)

    # small words that every service needs

    def switch(self, name: str) -> Any:
        """What a switch is set to, or its default. There is none that the table of switches does not name."""
        return self.switches.get(name, SWITCHES[name].default)

    def table(self, kind: str) -> dict[str, Document]:
        """Resources of one kind, such as `run.jobs`, by canonical name (project id, not number)."""
        return self.tables.setdefault(kind, {})

    def part(self, kind: Callable[[Cloud], T]) -> T:
        """The one `kind` of this cloud, made at the first asking: what a service keeps besides its tables."""
        with self.lock:
            if kind not in self._parts:
                self._parts[kind] = kind(self)
            found: T = self._parts[kind]
            return found

    def project_id(self, text: str) -> str:
        """A project's id, from its id or its number. Raises the refusal that a stranger's project gets."""
        for project, number in self.projects.items():
            if text in (project, number):
                return project
        raise ApiError(DENIED, f"Permission denied on resource project {text}.", reason="forbidden")

    def number(self, project: str) -> str:
        return self.projects[self.project_id(project)]

    def new_id(self) -> str:
        """A decimal id that was never given before."""
        return str(next(self._ids))

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=next(self._ids) << 64 | next(self._ids), version=4))

    def duration(self, method: str) -> float:
        """How long the operation of `method` takes here, in seconds: the longest prefix of its name decides."""
        parts = method.split(".")
        names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        return next((self.durations[name] for name in names if name in self.durations), 5.0)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.clock.after(seconds, act)

    # the door

    def invoke(self, call: Call) -> Document:
        """Answer one call. Raises ApiError with what the real service would say."""
        method = METHODS.get(call.method)
        if method is None:
            raise ApiError(12, f"The local Google Cloud does not serve {call.method}.", http=501)
        if method.waits:
            self._let_time_pass(method.waits, call)
        with self.lock:
            fault = faults.next_for(self, call)
        if fault and fault.latency:
            self._hold(fault.latency)
        with self.clock.request(), self.lock:
            return self._answer(method, call, fault)

    def _hold(self, seconds: float) -> None:
        """Keep a caller waiting, while everybody else goes on."""
        over: list[bool] = []
        self.after(seconds, lambda: over.append(True))
        self.clock.pass_until(lambda: bool(over))

    def _answer(self, method: Method, call: Call, fault: Fault | None) -> Document:
        if fault and not fault.after:
            self._strike(method, call, fault)
        self._doom = faults.doom(self, call, fault)
        try:
            admission.admit(self, method.permissions, call)
            answer = method.handler(self, call)
        except ApiError as error:
            self._record(method, call, error.http_status)
            if method.audited:
                self._audit_refusal(method.audited, call, error)
            raise
        finally:
            if fault and self.doom():
                fault.times += 1  # no operation was started: it is for the next that is
        self._record(method, call, 200)
        if fault and fault.after:
            fault.strike(self, call)
        return copy.deepcopy(answer) if call.wire == "grpc" else visible(answer)  # what is sent moves on no more

    def _strike(self, method: Method, call: Call, fault: Fault) -> None:
        """Let a fault end a call before it has any effect: the activity log knows nothing of it."""
        try:
            fault.strike(self, call)
        except ApiError as error:
            self._record(method, call, error.http_status)
            raise

    def doom(self) -> ApiError | None:
        """What the operation that is being started is to fail with; asked once, by whoever lets it fail."""
        found, self._doom = self._doom, None
        return found

    def _let_time_pass(self, waits: Waits, call: Call) -> None:
        name = call.params.get("name") or call.params.get("operation", "")
        with contextlib.suppress(ApiError):
            running = waits(self, call) if callable(waits) else self.operations.get(name.split("/")[-1])
            self._pass_until(running, call)

    def _pass_until(self, running: Running | None, call: Call) -> None:
        if running and (self.clock.virtual or call.method.endswith(".wait")):
            most = self.switch("clock.asking_passes") if self.clock.virtual else LONG_POLL
            self.clock.pass_until(lambda: running.done, seconds=float("inf") if most is None else float(most))

    def compute_target(self, call: Call, permission: str) -> str:
        """The compute resource on which a call needs `permission`; of a rule's or router's network, its network."""
        return admission.compute_target(self, call, permission)

    def _record(self, method: Method, call: Call, status: int) -> None:
        who = call.caller
        writes = method.audited is not None
        record = Record(self.clock.seconds(), call.method, call.params, who.principal, who.user_agent, status, writes)
        self.records.append(record)

    def _audit_refusal(self, audited: Audited, call: Call, error: ApiError) -> None:
        if error.code in (UNAUTHENTICATED, EXHAUSTED) or error.reason == "rateLimitExceeded":
            return  # turned away at the door: nobody is known to have asked for anything
        with contextlib.suppress(ApiError, KeyError):
            self.log(audit.entry(self, audited, call, status=error.rpc()))

    def log(self, entry: Document) -> None:
        """Put an entry in the log; it arrives at whoever listens a moment later."""
        entry = copy.deepcopy(entry)  # what is said of a resource stays said when the resource moves on
        identity = f"{entry['logName']} {entry['timestamp']} {entry['insertId']}"
        self.table("logging.entries")[identity] = entry

        def deliver(one: Document) -> None:
            for listener in self.listeners:
                listener(one)

        def arrive() -> None:
            self.part(EventFaults).treat(entry, deliver)

        self.after(ARRIVAL, arrive)


def not_found(message: str) -> ApiError:
    return ApiError(NOT_FOUND, message, reason="notFound")
