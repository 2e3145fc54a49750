"""The scenarios of the demo, each played by people and judged by looking at the world, not at what was said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wayout.cli.demo.people import JOBS, PRINCIPAL, Person
from wayout.cli.demo.stage import NETWORK, PROJECT, REGION, Stage
from wayout.egress import naming
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import Cause, JobName, JobsIn, JobTarget, NetworkName, Present, Seen, Site
from wayout.egress.planner import reads
from wayout.egress.remedies import Want
from wayout.egress.report import Hop, hops
from wayout.wiring import Wired

SITE = Site(NetworkName(PROJECT, NETWORK), REGION, "internet-https")
FOREIGN = "legacy-allow-all"


@dataclass
class Scenario:
    """One thing that happens, and how the world stands when it is over."""

    name: str
    play: Callable[[Story], object]
    holds: Callable[[Story], bool]
    whole: bool = False
    reads: int = 0
    writes: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[OutcomeSaid] = field(default_factory=list)
    slack: list[dict[str, Any]] = field(default_factory=list)
    before: tuple[Hop, ...] = ()
    after: tuple[Hop, ...] = ()
    events: int = 0
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "whole": self.whole,
            "apiReads": self.reads,
            "apiWrites": self.writes,
            "changes": self.changes,
            "secondsVirtual": round(self.seconds, 1),
        }


class Story:
    """Plays scenarios on a stage, one after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.platform = Person(stage, "platform@example.com")
        self.developer = Person(stage, "dev@example.com")
        self.stranger = Person(stage, "somebody@example.com")
        self.billing = Person(stage, "billing@example.com")
        # Whoever judges is not who is judged: another principal, so that its calls are not counted as ours.
        self.judge = Wired(Person(stage, "judge@example.com").settings, watch=lambda *_: None)

    def close(self) -> None:
        """Give all connections back."""
        for person in (self.platform, self.developer, self.stranger, self.billing):
            person.close()
        self.judge.clients.close()

    def run(self, scenario: Scenario) -> Scenario:
        """Play it, let everything come to rest, and look at what the world has become."""
        scenario.before = self.hops()
        start, begun, known = len(self._calls()), self._seconds(), len(self._slack())
        scenario.play(self)
        self.stage.settle()
        scenario.seconds = self._seconds() - begun
        ours = [call for call in self._calls()[start:] if call["principal"] == PRINCIPAL]
        ours = [call for call in ours if not call["method"].startswith(("logging.", "pubsub."))]
        scenario.writes = sum(call["writes"] for call in ours)
        scenario.reads = len(ours) - scenario.writes
        scenario.outcomes = [OutcomeSaid.model_validate(event["data"]) for event in self.billing.hear()]
        scenario.changes = [
            change.model_dump(mode="json") for said in scenario.outcomes for change in said.changes if said.changed
        ]
        scenario.slack = self._slack()[known:]
        scenario.after = self.hops()
        scenario.whole = scenario.holds(self)
        return scenario

    def _calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stage.admin("calls")["calls"]
        return found

    def _slack(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stage.admin("slack")["messages"]
        return found

    def _seconds(self) -> float:
        return float(self.stage.admin("state")["seconds"])

    # judging

    def attached(self, *names: str) -> bool:
        """Each job is attached, and a plan for it is empty."""
        for name in names:
            target = JobTarget(JobName(PROJECT, REGION, name))
            [ending] = self.judge.endings(target, Cause("judge"), apply=False)
            if ending.said.status != "whole" or not all(job.attached for job in ending.said.jobs):
                return False
        return True

    def hops(self) -> tuple[Hop, ...]:
        """The site's way out as it is now, for all its jobs."""
        bare = Want(SITE, self.judge.policy().profiles[SITE.profile])
        jobs = JobsIn(PROJECT, REGION)
        seen = self.judge.look({*reads(bare), jobs})
        found = seen[jobs]
        return hops(Want(SITE, bare.profile, found.value if isinstance(found, Present) else ()), Seen(seen))

    def rule(self, name: str) -> dict[str, Any]:
        """A firewall rule as Google has it; empty if it is not there."""
        return next((rule for rule in self.platform.rules() if rule["name"] == name), {})

    def nats(self) -> list[dict[str, Any]]:
        """Every NAT of the region."""
        return [nat for router in self.platform.routers() for nat in router.get("nats", [])]


OUT_RULE = naming.rule_of(SITE, "out-tcp443").rule
ROUTER = naming.router_of(SITE.network, REGION).router


def scenarios() -> list[Scenario]:
    """The whole story, in order."""
    return [
        Scenario(
            "a job is deployed and has no way out",
            lambda story: story.developer.deploy("my-job"),
            lambda story: story.attached("my-job") and len(story.nats()) == 1,
        ),
        Scenario(
            "a second job in the same site finds everything there",
            lambda story: story.developer.deploy("my-second-job"),
            lambda story: story.attached("my-job", "my-second-job") and len(story.nats()) == 1,
        ),
        Scenario(
            "somebody widens a rule of ours",
            lambda story: story.stranger.widen(OUT_RULE),
            lambda story: story.attached("my-job") and only_https(story.rule(OUT_RULE)),
        ),
        Scenario(
            "somebody deletes our NAT",
            lambda story: story.stranger.delete_nats(ROUTER),
            lambda story: story.attached("my-job") and len(story.nats()) == 1,
        ),
        Scenario(
            "a rule that is not ours is reported, never touched",
            _foreign_rule,
            lambda story: story.attached("my-job") and _untouched(story.rule(FOREIGN)),
        ),
    ]


def _foreign_rule(story: Story) -> None:
    story.stranger.allow_everything(FOREIGN)
    story.stage.settle()
    story.billing.ask_for("my-job", "billing-42")


def only_https(rule: dict[str, Any]) -> bool:
    """Whether a rule allows tcp:443, and not everywhere."""
    allowed = rule.get("allowed")
    return allowed == [{"IPProtocol": "tcp", "ports": ["443"]}] and "0.0.0.0/0" not in rule["destinationRanges"]


def _untouched(rule: dict[str, Any]) -> bool:
    return bool(rule) and rule["priority"] == 500 and not rule.get("disabled")


__all__ = ["JOBS", "OUT_RULE", "ROUTER", "Scenario", "Story", "only_https", "scenarios"]
