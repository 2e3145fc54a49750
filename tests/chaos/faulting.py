"""Runs in which calls meet faults: one at one call, once or for a long while, or two at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from tests.chaos.wire import Key
from wayout.egress.messages import OutcomeSaid

Long = Literal["once", "long"]
WHILE = 40  # calls that a long fault strikes: more than any delivery tries, fewer than lead to a dead letter
POSTS = 20  # the same at Slack, of which each delivery asks once
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
# What Slack may answer: its own errors come with status 200. Source: Slack's pages on chat.postMessage and on limits.
Answered = tuple[int, dict[str, Any], dict[str, str]]
SLACK: dict[str, Callable[[Callable[[], Answered]], Answered]] = {
    "slack-down": lambda _: (503, {}, {}),
    "slack-lost": lambda answer: (answer()[0] and 503, {}, {}),  # posted, and nobody heard so
    "slack-limited": lambda _: (429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"}),
    "slack-internal": lambda _: (200, {"ok": False, "error": "internal_error"}, {}),
    "slack-garbled": lambda _: (200, {}, {}),  # no JSON
    "slack-refused": lambda _: (200, {"ok": False, "error": "channel_not_found"}, {}),
}
REFUSED = "slack-refused"  # such a message is given up, and logged with what helps


@dataclass(frozen=True, order=True)
class Struck:
    """One fault: which, at which call, and whether once or for a long while from that call on."""

    fault: str
    key: Key
    long: Long = "once"

    def __str__(self) -> str:
        return f"{self.fault} {self.long} at {self.key}"

    def strikes(self, key: Key, hits: int, most: int) -> bool:
        """Whether it strikes this call, having struck so many before."""
        if self.long == "once":
            return key == self.key
        alike = (key.method, key.subject) == (self.key.method, self.key.subject)
        return alike and key.occurrence >= self.key.occurrence and hits < most


@dataclass(frozen=True)
class Faulted:
    """A run with faults, and how often each struck. `after` is how it stood when it came to rest; `healed` how once the
    faults were gone, people had done what they were told to, and sweeps had come."""

    after: Ran
    healed: Ran
    said: tuple[OutcomeSaid, ...]
    hits: dict[Struck, int]

    @property
    def met(self) -> bool:
        """Whether each of the faults came about."""
        return all(self.hits.values())

    def unlike(self, calm: Ran) -> list[str]:
        """What is wrong with it; nothing if it converged by itself, or said why not, and did afterwards."""
        kept = self._unretired()
        after, healed, wanted = (
            replace(one, world=_without(one.world, kept), made=_lasting(one.made))
            for one in (self.after, self.healed, calm)
        )
        found = [f"after a sweep, {line}" for line in healed.unlike(wanted)]
        if after.world != wanted.world and not any(one.fault in LIES for one in self.hits):
            found += unexplained(self.said)
        return found + _mute(self.said) + self._unposted(calm)

    def _unretired(self) -> frozenset[str]:
        """Google's broad rules that we were refused to retire: told, and left alone, since ours out-rank them."""
        changes = (change for said in self.said for change in said.changes)
        return frozenset(one.subject for one in changes if one.result == "refused" and "/firewalls/aet-" in one.subject)

    def _unposted(self, calm: Ran) -> list[str]:
        """Where nothing but Slack was disturbed, it shows in the end what it shows undisturbed, or that is logged."""
        if any(one.fault not in SLACK for one in self.hits):
            return []
        if any(one.fault == REFUSED and self.hits[one] for one in self.hits):
            logged = '"help": "check SLACK_CHANNEL' in self.healed.log
            return [] if logged else ["Slack refused a message, and no log line says who can help"]
        return [f"Slack never showed {text}" for text in sorted(calm.posted - self.healed.posted)]


def strikes(calm: Ran, long: Sequence[Long] = ("once", "long")) -> Iterator[Struck]:
    """Every fault at every call of an undisturbed run that it can meet."""
    for key in sorted(set(calm.keys)):
        for fault in (*catalogue(), *WIRE, *SLACK):
            if meets(fault, key):
                for each in long:
                    yield Struck(fault, key, each)


def meets(fault: str, key: Key) -> bool:
    """Whether a call can meet a fault."""
    if key.method.startswith("slack.") or fault in SLACK:
        return key.method.startswith("slack.") and fault in SLACK
    patterns = catalogue()[fault]["methods"] if fault in catalogue() else ["*"]
    return any(fnmatchcase(key.method, pattern) for pattern in patterns)


def strike(scenario: Scenario, *struck: Struck) -> Faulted:
    """Tell the story with these faults; then take them away, and sweep."""
    hits = dict.fromkeys(struck, 0)

    def armed(house: Mortal) -> None:
        house.on_call = lambda key, call: _meet(house, hits, key, call)
        house.on_post = lambda key, answer: _post(hits, key, answer)

    with run_in(scenario, arm=armed) as house:
        house.settle()
        said = tuple(house.outcomes())
        after = ran(house, said)
        if unexplained(said) and any(one.long == "long" for one in struck):
            house.platform.sweep()  # what keeps us from healing is told by the next sweep
            house.settle()
            said = (*said, *house.outcomes())
        house.on_call = house.on_post = None
        _help(house, said)
        for _ in range(SWEEPS):
            house.platform.sweep()
            house.settle()
        healed = ran(house, (*said, *house.outcomes()))
    return Faulted(after, healed, said, hits)


def _help(house: Mortal, said: Sequence[OutcomeSaid]) -> None:
    """Do what the last outcome asks people for, as far as it is to delete something."""
    for blocked in said[-1].blocked if said else ():
        if found := DELETE.search(blocked.help):
            headers = {"Authorization": "Bearer platform@example.com"}
            url = f"{house.url}/_svc/vpcaccess/v1/{found[1]}"
            requests.delete(url, headers=headers, timeout=30).raise_for_status()
            house.settle()


def _meet(house: Mortal, hits: dict[Struck, int], key: Key, call: Call) -> None:
    for one in hits:
        if one.strikes(key, hits[one], WHILE // len(hits)):
            hits[one] += 1
            with house.cloud.lock:
                house.cloud.faults.insert(0, _only(one.fault, call))


def _post(hits: dict[Struck, int], key: Key, answer: Callable[[], Answered]) -> Answered:
    for one in hits:
        if one.strikes(key, hits[one], POSTS // len(hits)):
            hits[one] += 1
            return SLACK[one.fault](answer)
    return answer()


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


def _lasting(made: Counter[str]) -> Counter[str]:
    """Without connectors: one that failed is removed, and made again."""
    return Counter({name: count for name, count in made.items() if "/connectors/" not in name})


def unexplained(said: Sequence[OutcomeSaid]) -> list[str]:
    """What the last words about each site and job leave open, of a world that is half-done: why, or who can help."""
    last = tuple(_last_words(said).values())
    told = [one for one in last if one.status in ("refused", "blocked", "waiting")]
    if not told:
        return [f"it stands half-done, and the last words do not say so: {[one.status for one in said]}"]
    return [line for one in dict.fromkeys(told) for line in _open(one)]


def _last_words(said: Sequence[OutcomeSaid]) -> dict[str, OutcomeSaid]:
    """By site and by job what was said of it last. What was said of no site and no job stands until the next word."""
    found: dict[str, OutcomeSaid] = {}
    for one in said:
        about = [*(job.job for job in one.jobs), *([one.site.model_dump_json()] if one.site else [])]
        found.pop("", None)
        found.update(dict.fromkeys(about or [""], one))
    return found


def _open(said: OutcomeSaid) -> list[str]:
    """What an outcome that is not whole does not say."""
    refused = [one for one in said.changes if one.result == "refused"]
    if said.status == "waiting":
        return [f"waiting for {one.what} until nobody knows when" for one in said.waiting if not one.until]
    if not (refused or said.blocked):
        return [f"{said.status}, by nothing that is named"]
    found = [f"blocked without cause or help: {one}" for one in said.blocked if not (one.why and one.help)]
    return found + [f"refused without cause or help: {one}" for one in refused if not (one.detail and one.help)]


def _mute(said: Sequence[OutcomeSaid]) -> list[str]:
    """Refusals that do not say why, or who can help, though the site may be whole without."""
    refused = [one for outcome in said for one in outcome.changes if one.result == "refused"]
    found = [f"refused without help: {one.subject}: {one.detail}" for one in refused if not one.help]
    return found + [f"refused without cause: {one.subject}" for one in refused if not one.detail]
