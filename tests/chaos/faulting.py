"""Runs in which calls meet faults: one at one call, once or for a long while, or two at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

import requests

from localcloud.calls import Call
from localcloud.errors import ApiError
from localcloud.faults.calls import Fault, by_name, catalogue
from tests.chaos.crashing import Ran, ran, run_in
from tests.chaos.mortal import Mortal
from tests.chaos.scenarios import Scenario
from tests.chaos.wire import SLACK, Key
from wayout.egress.messages import OutcomeSaid

Long = Literal["once", "long"]
WHILE = 40  # calls that a long fault strikes: more than any delivery tries, fewer than lead to a dead letter
SWEEPS = 2  # until what was refused while a fault stood is made good

# Answers that deny what is there: whoever believes them tells nobody, and the next sweep finds it.
LIES = ("job-absent", "compute-absent", "connector-absent")
# What a person is told to delete where we have given up on it.
DELETE = re.compile(r"delete (projects/[^/]+/locations/[^/]+/connectors/[\w-]+)")

# Beside the catalogue: what a wire does, and what a service says when it is broken.
WIRE = {
    "cut": "the connection ends before the call has any effect",
    "lost": "the call has its effect, and its answer is lost",
    "broken": "500, without an effect",
    "garbled": "500, and the call has had its effect",
}


@dataclass(frozen=True, order=True)
class Struck:
    """One fault: which, at which call, and whether once or for a long while from that call on."""

    fault: str
    key: Key
    long: Long = "once"

    def __str__(self) -> str:
        return f"{self.fault} {self.long} at {self.key}"


@dataclass(frozen=True)
class Faulted:
    """A run with faults. `after` is how it stood when it came to rest; `healed` how once the faults were gone, people
    had done what they were told to, and sweeps had come."""

    after: Ran
    healed: Ran
    said: tuple[OutcomeSaid, ...]
    hits: int
    lied: bool = False

    def unlike(self, calm: Ran) -> list[str]:
        """What is wrong with it; nothing if it converged by itself, or said why not, and did afterwards."""
        kept = self._unretired()
        after, healed, wanted = (
            replace(one, world=_without(one.world, kept), made=Counter()) for one in (self.after, self.healed, calm)
        )  # what failed may be made again
        found = [f"after a sweep, {line}" for line in healed.unlike(wanted)]
        if after.world != wanted.world and not self.lied and not found:
            found += _unexplained(self.said)
        return found + _mute(self.said)

    def _unretired(self) -> frozenset[str]:
        """Google's broad rules that we were refused to retire: told, and left alone, since ours out-rank them."""
        changes = (change for said in self.said for change in said.changes)
        return frozenset(one.subject for one in changes if one.result == "refused" and "/firewalls/aet-" in one.subject)


def strikes(calm: Ran, long: Sequence[Long] = ("once", "long")) -> Iterator[Struck]:
    """Every fault at every call of an undisturbed run that it can meet."""
    for key in sorted(set(calm.keys)):
        for fault in (*catalogue(), *WIRE):
            if meets(fault, key):
                for each in long:
                    yield Struck(fault, key, each)


def meets(fault: str, key: Key) -> bool:
    """Whether a call can meet a fault."""
    if key.method.startswith(SLACK.split(".", 1)[0]):
        return False
    patterns = catalogue()[fault]["methods"] if fault in catalogue() else ["*"]
    return any(fnmatchcase(key.method, pattern) for pattern in patterns)


def strike(scenario: Scenario, *struck: Struck) -> Faulted:
    """Tell the story with these faults; then take them away, and sweep."""
    hits = [0]

    def armed(house: Mortal) -> None:
        house.on_call = lambda key, call: _meet(house, struck, key, call, hits)

    with run_in(scenario, arm=armed) as (house, began):
        house.settle()
        said = tuple(house.outcomes())
        after = ran(house, began, said)
        if not _telling(said) and any(one.long == "long" for one in struck):
            house.platform.sweep()  # what keeps us from healing is told by the next sweep
            house.settle()
            said = (*said, *house.outcomes())
        house.on_call = None
        _help(house, said)
        for _ in range(SWEEPS):
            house.platform.sweep()
            house.settle()
        healed = ran(house, began, (*said, *house.outcomes()))
    return Faulted(after, healed, said, hits[0], any(one.fault in LIES for one in struck))


def _help(house: Mortal, said: Sequence[OutcomeSaid]) -> None:
    """Do what the last outcome asks people for, as far as it is to delete something."""
    for blocked in said[-1].blocked if said else ():
        if found := DELETE.search(blocked.help):
            headers = {"Authorization": "Bearer platform@example.com"}
            url = f"{house.url}/_svc/vpcaccess/v1/{found[1]}"
            requests.delete(url, headers=headers, timeout=30).raise_for_status()
            house.settle()


def _meet(house: Mortal, struck: Sequence[Struck], key: Key, call: Call, hits: list[int]) -> None:
    for one in struck:
        again = one.long == "long" and (key.method, key.subject) == (one.key.method, one.key.subject)
        if key == one.key or (again and key.occurrence > one.key.occurrence and hits[0] < WHILE):
            hits[0] += 1
            with house.cloud.lock:
                house.cloud.faults.insert(0, _only(one.fault, call))


def _only(name: str, call: Call) -> Fault:
    """The fault, for this very call and no other of its kind."""
    fault = _wired(name, call) if name in WIRE else by_name(name)

    def meets_it(other: Call) -> bool:
        found = other is call and fault.times > 0
        fault.times -= found
        return found

    vars(fault)["meets"] = meets_it
    return fault


def _wired(name: str, call: Call) -> Fault:
    after = name in ("lost", "garbled")
    if name in ("cut", "lost"):
        return Fault(call.method, drop=True, after=after)
    return Fault(call.method, ApiError(13, "Internal error encountered.", reason="backendError"), after=after)


def _without(world: dict[str, Any], rules: frozenset[str]) -> dict[str, Any]:
    firewalls = {name: rule for name, rule in world.get("compute.firewalls", {}).items() if name not in rules}
    return world | {"compute.firewalls": firewalls}


def _telling(said: Sequence[OutcomeSaid]) -> list[OutcomeSaid]:
    return [one for one in said if one.status in ("refused", "blocked", "waiting")]


def _unexplained(said: Sequence[OutcomeSaid]) -> list[str]:
    """What the last outcome that is not whole leaves open: why, or who can help."""
    told = _telling(said)
    if not told:
        return [f"it stands half-done, and nobody was told why: {[one.status for one in said]}"]
    return [f"blocked without help: {one.why}" for one in told[-1].blocked if not one.help]


def _mute(said: Sequence[OutcomeSaid]) -> list[str]:
    """Refusals that do not say why, or who can help, though the site may be whole without."""
    refused = [one for outcome in said for one in outcome.changes if one.result == "refused"]
    found = [f"refused without help: {one.subject}: {one.detail}" for one in refused if not one.help]
    return found + [f"refused without cause: {one.subject}" for one in refused if not one.detail]
