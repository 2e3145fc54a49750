"""The only place that builds real parts: settings and clients in, one object that can reconcile and tell out."""

from __future__ import annotations

import os
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from wayout import reconcile, sweep
from wayout.cloud import apply, log, observe
from wayout.cloud.clients import Clients
from wayout.cloud.errors import TryAgainError
from wayout.cloud.ledger import Ledger
from wayout.cloud.outbox import Outbox
from wayout.cloud.policyfile import PolicyFile
from wayout.cloud.settings import Settings
from wayout.egress import report
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    Cause,
    Change,
    EverythingTarget,
    JobTarget,
    Outcome,
    Read,
    Sighting,
    Site,
    Target,
    ThingTarget,
)
from wayout.egress.policy import Policy
from wayout.reconcile import Ending
from wayout.turns import Turn, Turns

Watch = Callable[..., None]

_ROUNDS = 20  # that are kept; one that is forgotten begins anew


def log_stage(stage: str, *what: Any) -> None:
    """Write a stage of a reconcile to the log: what was wanted, planned, begun and done, with the reasons."""
    match stage, what:
        case "intent", (intent,):
            log.info("intent", **report.intent_fields(intent))
        case "plan", (number, plan, _):
            log.info("plan", **report.plan_fields(number, plan))
        case "change", (change, progress):
            log.info("change", stage=progress, **report.change_fields(change))
        case "applied", (outcomes,):
            for outcome in outcomes:
                log.info("outcome", **report.outcome_fields(outcome))


@dataclass
class Wired:
    """The real parts. `watch` is told of every stage of a reconcile."""

    settings: Settings
    watch: Watch = log_stage
    clients: Clients = field(init=False)
    ledger: Ledger = field(init=False)
    outbox: Outbox = field(init=False)
    _policy: PolicyFile = field(init=False)
    _turns: Turns = field(init=False, default_factory=Turns)
    _delivery: threading.local = field(init=False, default_factory=threading.local)
    _rounds: dict[str, sweep.Round] = field(init=False, default_factory=dict)  # by the id of their message
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.clients = Clients(self.settings)
        self.ledger = Ledger(self.settings, self.clients)
        self.outbox = Outbox(self.settings, self.clients)
        self._policy = PolicyFile(Path(self.settings.policy))

    # what a reconcile needs of the world

    def policy(self) -> Policy:
        return self._policy.policy()

    def principal(self) -> str:
        return self.settings.principal

    def today(self) -> date:
        return datetime.now(UTC).date()

    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        if getattr(self._delivery, "looked", None) is None:
            self._delivery.looked = datetime.now(UTC)
        return observe.look(reads, self.clients.within(self.deadline()), history=self.ledger.history)

    def apply(self, changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]:
        def progress(change: Change, stage: str) -> None:
            self.watch("change", change, stage)

        self._delivery.planned, self._delivery.looked = getattr(self._delivery, "looked", None), None
        # New at every attempt: a redelivered event that used its request ids again would be ignored by Google.
        seed = f"{seed}/{uuid.uuid4()}"
        return apply.apply(changes, self.clients, deadline=deadline, seed=seed, progress=progress)

    def begin(self, changes: Sequence[Change], *, plan: str, run: str, cause: Cause, site: Site) -> None:
        self.ledger.begin(changes, plan_id=plan, run=run, cause=cause, site=site)

    def remember(self, outcomes: Sequence[Outcome], *, plan: str, run: str, cause: Cause, site: Site) -> None:
        self.watch("applied", outcomes)
        looked = getattr(self._delivery, "planned", None)
        self.ledger.write(outcomes, plan_id=plan, run=run, cause=cause, site=site, looked=looked)

    def idle(self, site: Site, idle: bool, cause: Cause) -> None:
        self.ledger.idle(site, idle, cause)

    def deadline(self) -> float:
        end: float | None = getattr(self._delivery, "end", None)
        return time.monotonic() + self.settings.budget_seconds if end is None else end

    def left(self, deadline: float) -> float:
        return deadline - time.monotonic()

    def pause(self) -> None:
        time.sleep(self.settings.poll_seconds)

    def turn(self, site: Site, *, after_others: bool, entry: str = "") -> AbstractContextManager[Turn]:
        return self._turns.turn(site, after_others=after_others, entry=entry)

    # what the doors call

    def endings(self, target: Target, cause: Cause, *, apply: bool = True, happened: bool = True) -> Iterator[Ending]:
        """Reconcile what a target names; without `apply`, only plan.

        `happened`: something has happened to it, so that what it leaves behind is looked at too.
        """
        match target:
            case JobTarget():
                ending = reconcile.job(target, cause, self, apply=apply)
                yield ending
                if ending.left and happened:
                    yield from reconcile.left(ending.left, cause, self, apply=apply)
            case ThingTarget():
                yield from reconcile.thing(target, cause, self)
            case EverythingTarget():
                yield from sweep.everything(cause, self, apply=apply, round_=self._round(cause))

    def _round(self, cause: Cause) -> sweep.Round | None:
        """The round of a delivery's sweep, which it goes on with if it comes again; a command makes its own."""
        if getattr(self._delivery, "end", None) is None:
            return None
        with self._lock:
            found = self._rounds.setdefault(cause.id, sweep.Round(_start(cause, datetime.now(UTC))))
            while len(self._rounds) > _ROUNDS:
                del self._rounds[next(iter(self._rounds))]
        return found

    def reconcile(self, target: Target, cause: Cause, request: str = "", *, happened: bool = True) -> None:
        """Reconcile and tell, within one budget of time. Raises TryAgainError when the delivery should come again."""
        self._delivery.end, self._delivery.looked = time.monotonic() + self.settings.budget_seconds, None
        try:
            self._reconcile(target, cause, request, happened=happened)
        finally:
            self._delivery.end = None

    def _reconcile(self, target: Target, cause: Cause, request: str, *, happened: bool) -> None:
        again = ""
        for number, ending in enumerate(self.endings(target, cause, happened=happened)):
            said = ending.said.model_copy(update={"request": request})
            again = again or ending.again
            log.info("reconciled", **_tally(said, again=ending.again))
            if _worth_telling(said, target) and not (ending.again and not said.changed):
                self.tell(said, _id(said, number, target))
        if again:
            raise TryAgainError(again)
        with self._lock:
            self._rounds.pop(cause.id, None)

    def tell(self, said: OutcomeSaid, id: str) -> None:  # noqa: A002 - a CloudEvent's word
        """Publish an outcome under its CloudEvent id."""
        self.outbox.publish(said, id=id, time=datetime.now(UTC).isoformat().replace("+00:00", "Z"))


def _tally(said: OutcomeSaid, *, again: str) -> dict[str, Any]:
    """What the log-based metrics count: `seconds` from what happened until now, where a job was attached."""
    attached = any(change.verb == "attach" and change.result == "updated" for change in said.changes)
    fields = {"cause": said.cause.id, "status": said.status, "changes": len(said.changes), "again": again}
    return fields | ({"attached": True, "seconds": _since(said.cause.when)} if attached else {})


def _id(said: OutcomeSaid, number: int, target: Target) -> str:
    """An outcome's own id. The tries of one sweep begin at different places, so that no number tells them apart."""
    swept = isinstance(target, EverythingTarget)
    return (
        f"{said.cause.id}-{zlib.crc32(said.model_dump_json().encode()):08x}" if swept else f"{said.cause.id}-{number}"
    )


def _start(cause: Cause, now: datetime) -> float:
    """Where a sweep begins, from 0 to 1: elsewhere for each message, and elsewhere if it comes again to a process that
    does not know of it."""
    return zlib.crc32(f"{cause.id} {now:%Y-%m-%dT%H:%M}".encode()) / 2**32


def _since(when: str) -> float | None:
    """Seconds since a time in RFC 3339; None where it is none."""
    try:
        return round((datetime.now(UTC) - datetime.fromisoformat(when)).total_seconds(), 1)
    except (ValueError, TypeError):
        return None


def _worth_telling(said: OutcomeSaid, target: Target) -> bool:
    """A request is always answered, and a job's event while it needs a way out; else only news is told."""
    if said.request or (isinstance(target, JobTarget) and (target.sender or said.status != "unneeded")):
        return True
    # Whoever touched a thing of ours hears of what we did about it; what blocks has been told to whoever it blocks.
    return said.changed or (isinstance(target, EverythingTarget) and said.status in ("blocked", "refused", "planned"))


class _Parts:
    """The parts of this process, built from its environment at first use: once, however many deliveries come first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._built: Wired | None = None

    def __call__(self) -> Wired:
        with self._lock:
            if self._built is None:
                self._built = Wired(Settings.from_env(os.environ))
            return self._built

    def cache_clear(self) -> None:
        """Build them anew at the next use."""
        with self._lock:
            self._built = None


parts = _Parts()
