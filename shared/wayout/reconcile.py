"""What an event names, brought to what its jobs need: one job, one thing on a way out, or one whole site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from wayout import needed, passes
from wayout.cloud import log
from wayout.cloud.errors import TryAgainError
from wayout.egress import naming, need, report, ways
from wayout.egress.model import (
    BlindError,
    Cause,
    ConnectorName,
    ConnectorsIn,
    Job,
    JobAt,
    JobName,
    JobsIn,
    JobTarget,
    NotLookedError,
    Present,
    Read,
    Seen,
    Sighting,
    Site,
    SubnetsOf,
    ThingTarget,
    Unreadable,
)
from wayout.egress.need import Intent, Stance
from wayout.egress.policy import Mode, Policy
from wayout.parts import Parts
from wayout.run import Ending, Everybody, Jobs, Run

__all__ = [
    "Ending",
    "Known",
    "Parts",
    "again",
    "job",
    "judged",
    "left",
    "one_of_several",
    "sites_standing",
    "spared",
    "started",
    "thing",
    "whole_site",
]

Known = dict[Read[Any], Sighting[Any]]

# Why a connector's finished entry comes again: reads may lag by seconds, and who is at work may die.
_ENDED = "its connector's operation has ended"


def job(target: JobTarget, cause: Cause, parts: Parts, *, apply: bool = True) -> Ending:
    """Give one job its way out, if the policy wants one for it. With `apply` off, only the plan is told."""
    policy, today = parts.policy(), parts.today()
    if target.refused:
        return _refused_deploy(target, cause, parts, policy, today)
    read = JobAt(target.job)
    looked = dict(parts.look({read}))
    sighting = looked[read]
    if isinstance(sighting, Unreadable):
        return Ending(report.unreadable(str(target.job), sighting, cause))
    if not isinstance(sighting, Present):
        gone = Intent(target.job, Stance.ABSENT, "there is no such job")
        return Ending(report.unneeded(gone, cause), left=target.job)
    try:
        intent = judged(policy, sighting.value, parts, today, looked, asked=target)
    except BlindError as blind:
        return Ending(report.unreadable(str(target.job), blind.sighting, cause))
    parts.watch("intent", intent)
    if intent.site is None:
        leaves = intent.stance == Stance.ABSENT or _on_ours(sighting.value)
        return Ending(report.unneeded(intent, cause), left=target.job if leaves else None)

    def wanted(seen: Seen) -> tuple[Intent, ...]:
        found = seen.maybe(read)
        now = need.judge(policy, found, today=today, asked=target, seen=seen) if found else None
        return (now,) if now and now.site == intent.site else ()

    run = started(intent.site, cause, parts, apply=apply)
    run.jobs, run.job_reads, run.mode, run.fresh, run.looked = wanted, frozenset({read}), intent.mode, True, looked
    return _in_turn(run, parts)


def left(job: JobName, cause: Cause, parts: Parts, *, apply: bool = True) -> Iterator[Ending]:
    """The sites that a job, deleted or no longer in need, may have left without users."""
    policy, known = parts.policy(), Known()
    if policy.covers(job.project, job.region):
        for site in sites_standing(policy, job.project, job.region, parts, known):
            yield from one_of_several(site, cause, parts, apply=apply, known=known)


def thing(target: ThingTarget, cause: Cause, parts: Parts) -> tuple[Ending, ...]:
    """Heal the sites that something of ours belongs to."""
    policy = parts.policy()
    place = naming.place_of(target.name)
    if place is None:
        return ()
    projects = dict.fromkeys((target.name.project, *policy.known_projects))
    sites = {
        site: None
        for project in projects
        if policy.covers(project, place.region)
        for site in policy.sites(project, place.region)
        if place.site_id in ("", naming.site_id(site)) and target.name.project in (site.network.project, site.home)
    }
    ended = isinstance(target.name, ConnectorName)
    # Whoever was taking a site down may have died while its connector went: nobody but this entry goes on with it.
    return tuple(ending for site in sites for ending in one_of_several(site, cause, parts, ended=ended, life=ended))


def spared(what: str, cause: Cause, endings: Iterator[Ending]) -> Iterator[Ending]:
    """The endings of one part of a delivery. A failure is one more, with which it comes again: others are still to
    come, and whatever keeps one project or site from being looked at is no matter of theirs."""
    try:
        yield from endings
    except TryAgainError as error:
        yield again(what, cause, error.why)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others must not be left out because of it
        log.error("unexpected failure", cause=error, what=what, id=cause.id)
        yield again(what, cause, f"unexpected failure: {type(error).__name__}: {error}")


def again(what: str, cause: Cause, why: str) -> Ending:
    """The ending of what could not be seen to now, so that the delivery comes again."""
    return Ending(report.unreadable(what, Unreadable(why, ""), cause), again=f"{what}: {why}")


def one_of_several(site: Site, cause: Cause, parts: Parts, **how: Any) -> Iterator[Ending]:
    """`whole_site`, whose failure keeps nobody from the next site."""

    def endings() -> Iterator[Ending]:
        if ending := whole_site(site, cause, parts, **how):
            yield ending

    return spared(str(site), cause, endings())


def whole_site(
    site: Site,
    cause: Cause,
    parts: Parts,
    *,
    apply: bool = True,
    ended: bool = False,
    life: bool = True,
    known: Known | None = None,
) -> Ending | None:
    """Bring a site to what all its jobs need; None if nobody needs it and nothing of it is there, or if others are at
    it in this process and will look once more.

    `ended`: an entry says that its connector's operation has come to its end. `life`: its end of life is judged too.
    `known`: what was seen for its neighbours too. Nothing is changed on it without a look of its own; it takes in what
    is seen here, and is forgotten if anything was changed.
    """
    run = started(site, cause, parts, apply=apply)
    run.jobs, run.job_reads = run.everybody()
    run.whole, run.everyone = life, True
    run.known, run.shared = dict(known or {}), known is not None
    try:
        with parts.turn(site, after_others=True, entry=cause.id if ended else "") as turn:
            while not turn.handed_over:
                run.over, run.looking = turn.over, turn.looking
                if needed.wanted(run, parts):
                    return _brought(run, parts, known)
                # No other entry is to come that tells of its connector.
                if ended and needed.under_way(run, parts):
                    return again(str(site), cause, f"{_ENDED}, and reads do not show that yet")
                if turn.over(False):
                    break
                run.known, run.looked = {}, {}
    except BlindError as blind:
        return Ending(report.unreadable(str(site), blind.sighting, cause))
    # If the others die, their deliveries come again for their own jobs only: nobody would look for the rest.
    if ended and turn.handed_over and not turn.seen_to:
        return again(str(site), cause, f"{_ENDED}, and others are at work on it")
    return None


def _brought(run: Run, parts: Parts, known: Known | None) -> Ending:
    before = dict(known or {})
    if known is not None:
        known.clear()  # a run that fails may have changed something
    ending = passes.site(run, parts)
    if known is not None and not run.outcomes:
        known.update(before | run.sightings)
    return ending


def sites_standing(policy: Policy, project: str, region: str, parts: Parts, known: Known) -> list[Site]:
    """The sites of one project and region of which a connector or a subnet is there; what cannot be seen is not.

    `known` is what was seen already, and takes in what is seen here.
    """
    sites = list(policy.sites(project, region))
    reads: set[Read[Any]] = {SubnetsOf(site.network) for site in sites}
    reads |= {ConnectorsIn(naming.connector_of(site).project, region) for site in sites}
    if missing := reads - known.keys():
        known.update(parts.look(missing))
    there = {
        found.name
        for sighting in map(known.__getitem__, reads)
        if isinstance(sighting, Present)
        for found in sighting.value
    }
    return [site for site in sites if there & {naming.connector_of(site), *needed.subnets(site)}]


# --- parts of it ------------------------------------------------------------------------------------------------


def started(site: Site, cause: Cause, parts: Parts, *, apply: bool) -> Run:
    """A run of one site, of which nobody has said yet who its jobs are."""
    policy = parts.policy()
    mode = _strongest(policy, site)

    def nobody(_: Seen) -> tuple[Intent, ...]:
        return ()

    return Run(site, cause, policy, nobody, frozenset(), mode, _everybody(site, parts), applying=apply)


def _strongest(policy: Policy, site: Site) -> Mode:
    """The mode of a site while no job speaks for it: `enforce` if the profile or policy says so, or any rule that can
    lead to it, since whoever may build it may take it down."""
    of_profile = policy.profiles[site.profile].mode or policy.mode
    projects = policy.projects_of(site)
    modes = [
        rule.mode or of_profile
        for rule in policy.rules
        if rule.profile == site.profile
        and fnmatchcase(site.region, rule.match.region)
        and any(fnmatchcase(project, rule.match.project) for project in projects)
    ]
    return "enforce" if "enforce" in (of_profile, *modes) else "observe"


def _in_turn(run: Run, parts: Parts) -> Ending:
    with parts.turn(run.site, after_others=False) as turn:
        run.over, run.looking = turn.over, turn.looking
        return passes.site(run, parts)


def judged(
    policy: Policy,
    job: Job,
    parts: Parts,
    today: date,
    looked: dict[Read[Any], Sighting[Any]],
    *,
    asked: JobTarget | None = None,
) -> Intent:
    """What the policy says of a job, looking at whatever that takes; `looked` keeps it. Raises BlindError."""
    while True:
        try:
            return need.judge(policy, job, today=today, asked=asked, seen=Seen(looked))
        except NotLookedError as missing:
            looked |= parts.look({missing.read})


def _everybody(site: Site, parts: Parts) -> Everybody:
    """How to find every job that needs a site, anew at each look."""

    def found() -> tuple[Jobs, frozenset[Read[Any]]]:
        policy, today = parts.policy(), parts.today()
        reads = frozenset(JobsIn(project, site.region) for project in policy.projects_of(site))

        def wanted(seen: Seen) -> tuple[Intent, ...]:
            jobs = (job for read in sorted(reads, key=str) for job in seen.get(read))
            intents = (need.judge(policy, job, today=today, seen=seen) for job in jobs)
            return tuple(intent for intent in intents if intent.site == site)

        return wanted, frozenset(reads)

    return found


def _on_ours(job: Job) -> bool:
    """Whether a job is on a connector or in a subnet of ours."""
    if job.way is None:
        return False
    ground = ways.ground(job.way.interface, job.name)
    return any(name and naming.place_of(name) for name in (job.way.connector, ground[1] if ground else None))


def _refused_deploy(target: JobTarget, cause: Cause, parts: Parts, policy: Policy, today: date) -> Ending:
    """A deploy that the organisation policy refused: prepare its site, and say which flags to use."""
    try:
        intent = judged(policy, Job(target.job), parts, today, {}, asked=target)
    except BlindError as blind:
        return Ending(report.unreadable(str(target.job), blind.sighting, cause))
    if intent.site is None:
        return Ending(report.unneeded(intent, cause))
    run = started(intent.site, cause, parts, apply=True)
    run.mode, run.fresh = intent.mode, True
    ending = _in_turn(run, parts)
    return replace(ending, said=report.with_flags(ending.said, intent, run.want or run.bare()))
