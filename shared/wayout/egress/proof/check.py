"""Whether a step of a plan does harm: at each moment nobody gains what the policy does not allow, nobody
loses what it does, and what keeps a connector alive stays open.

The changes of one pass are made side by side, in any order, and a crash may come after any of them. What is made or
removed either only opens or only shuts. So it is enough to judge three moments: everything that opens made and nothing
that shuts, the other way round, and all of it; every prefix of every order lies between these. A change of something
that is there may do both, and is judged on its own as well. What fails is followed prefix by prefix to its first step.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from wayout.egress import naming, ranges, ways
from wayout.egress.coverage import covers
from wayout.egress.model import (
    Attach,
    Blocked,
    Change,
    Create,
    Direction,
    Egress,
    FirewallRule,
    Interface,
    Job,
    JobName,
    Network,
    Remove,
    Router,
    Seen,
    Subnet,
    Way,
    kind,
    subject,
)
from wayout.egress.proof.future import Step
from wayout.egress.proof.moments import NOW, Future, User, View, Views, concerns, inside, way_at
from wayout.egress.proof.packets import classes, things
from wayout.egress.reach import Answer, Ground, Packet, Verdict, every
from wayout.egress.remedies import Want

WORST = 3  # findings that are told of one plan


def check(want: Want, seen: Seen, changes: Sequence[Change]) -> tuple[Blocked, ...]:
    """What a step of these changes would open or cut; empty if the plan is safe.

    Raises NotLookedError for what it needs to see, and BlindError where that cannot be read.
    """
    if not any(_matters(change) for change in changes):
        return ()
    future = Future(want, seen, changes)
    found: dict[tuple[str, str], Blocked] = {}
    for user in _users(want, future.at(NOW), changes):
        for finding in _judged(user, future):
            found.setdefault((finding.what, finding.why), finding)
    return tuple(found.values())[:WORST]


def _matters(change: Change) -> bool:
    """Whether a change can open or shut anything for anybody: a new network or subnet holds nobody yet."""
    return not (isinstance(change, Create) and isinstance(change.thing, Network | Subnet))


def _users(want: Want, before: Ground, changes: Sequence[Change]) -> Iterator[User]:
    """One for each kind of sender: jobs on the site's way, jobs that are moved, and everybody else in the network."""
    # A job that is detached has no need by policy, and a connector goes only when nobody is left on it.
    moved = {change.job: change for change in changes if isinstance(change, Attach) and change.way}
    going = {change.thing.name for change in changes if isinstance(change, Remove)}
    jobs = {job.name: job for job in want.jobs}
    for name, change in moved.items():
        jobs.setdefault(name, Job(name, way=change.was))
    known: set[object] = set()
    tells, new = _tells_accounts(before), want.way
    for name, job in jobs.items():
        ours = name in moved or ways.same(job.way, new, name)
        user = User(name, job.service_account, job.way, ours=ours)
        key = (job.way, name in moved, job.service_account if tells and _by_itself(job.way, new) else "", ours)
        if key not in known and (ours or job.way):
            known.add(key)
            yield user
    somebody = JobName(want.site.network.project, want.site.region, "somebody")
    for found in before.connectors:
        if found.network == want.site.network and found.name not in going:
            ours = found.name == want.way.connector
            who = f"whoever uses the connector {found.name.connector}"
            yield User(somebody, "", Way(Egress.ALL, found.name), ours, who)
    for subnet in _plain_subnets(want, before, changes):
        way = Way(Egress.ALL, interface=Interface(str(want.site.network), str(subnet.name)))
        yield User(somebody, "", way, ours=False, who=f"machines in {subnet.name.subnet}", machine=True)


def _by_itself(*possible: Way | None) -> bool:
    """Whether a job may send under its own service account; a connector's machines have none of ours."""
    return any(way is not None and way.interface for way in possible)


def _tells_accounts(before: Ground) -> bool:
    """Whether some rule tells service accounts apart."""
    return any(rule.target_accounts for rule in every(before.rules, before.policies))


def _plain_subnets(want: Want, before: Ground, changes: Sequence[Change]) -> Iterable[Subnet]:
    """A subnet of each kind in which a machine without tags could stand, for whoever has nothing to do with us.

    Subnets are of one kind if the same NATs serve them, now and once anything is changed; if Private Google Access is
    alike; and if the same rules that tell senders apart let them out. Routes know machines by their tags alone.
    """
    nats = [nat for router in (*before.routers, *things(changes, Router)) for nat in router.nats]
    known = every(before.rules, before.policies)
    out = {rule.sources for rule in known if rule.direction == Direction.EGRESS and rule.sources}
    edited = {rule.sources for rule in things(changes, FirewallRule) if rule.sources}
    found: dict[Hashable, Subnet] = {}
    # In the site's own, of either road, stands nobody but its jobs and connector, who are heard by themselves.
    own = {naming.subnet_of(want.site, "connector"), naming.subnet_of(want.site, "direct")}
    for one in before.subnets:
        if one.name in own or one.name.region != want.site.region or not ranges.is_ipv4(one.range):
            continue
        served = tuple(covers(nat, one.name) for nat in nats)
        told = tuple(ranges.overlap(sources, (one.range,)) for sources in sorted(out))
        alone = one.name if any(ranges.overlap(sources, (one.range,)) for sources in edited) else None
        found.setdefault((served, one.google_access, told, alone), one)
    return found.values()


def _judged(user: User, future: Future) -> Iterator[Blocked]:
    """The first packet of each kind that some step opens or cuts for this user."""
    concerning = [step for step in future.steps if concerns(user, step, future)]
    if not concerning:
        return
    views = Views(user, future)
    then = views.at(NOW)
    told: set[str] = set()
    for step in concerning:
        now = views.at(step)
        for rows, columns in classes(then.sight, now.sight, views.may):
            was, becomes = then.answer(rows[0], columns[0]), now.answer(rows[0], columns[0])
            if was == becomes:
                continue
            first = views.field.packet(rows[0], columns[0])
            held = _holds(user, was, first, future)
            harm = _harm(was, becomes, may=user.ours and future.allowed(first), held=held)
            if harm and harm not in told:
                # What excuses one packet on the way to this step may not excuse another.
                alike = ((row, column) for row in rows for column in columns)
                finding = _first_finding(views, step, alike, harm, was)
                told |= {harm} if finding else set()
                yield from finding


Harm = Literal["open", "cut"]


def _holds(user: User, was: Answer, packet: Packet, future: Future) -> bool:
    """Whether a packet that fares so now is somebody's to lose: it passes, or nobody can say that it does not, and that
    inside the VPC. What Google's own path does with it, where Google does not say, nobody can have built upon.
    """
    if user.ours and not (
        future.allowed.promises(packet) or (_stands_on(user, future.want) and future.allowed(packet))
    ):
        return False
    return was == Answer.YES or (was == Answer.UNKNOWN and inside(user.way, packet))


def _stands_on(user: User, want: Want) -> bool:
    """Whether somebody uses the site's own connector already, so that what keeps it alive is theirs to lose."""
    return user.way is not None and user.way.connector is not None and user.way.connector == want.way.connector


def _harm(was: Answer, now: Answer, *, may: bool, held: bool) -> Harm | None:
    """What a step does to a packet that it must not; what cannot be known counts as harm."""
    if not may and now != Answer.NO and was != Answer.YES:
        return "open"
    return "cut" if held and now != Answer.YES else None


def _first_finding(
    views: Views, step: Step, packets: Iterable[tuple[int, int]], harm: Harm, was: Answer
) -> tuple[Blocked, ...]:
    """The harm in words, of the first packet that nothing excuses; none if all are excused."""
    excused: set[Hashable] = set()
    for row, column in packets:
        view = views.first(step, row, column, was)
        key = view.step, view.alike(row, column)
        if key in excused:
            continue
        if finding := _finding(views, view, row, column, harm, was):
            return finding
        excused.add(key)
    return ()


def _finding(views: Views, view: View, row: int, column: int, harm: Harm, was: Answer) -> tuple[Blocked, ...]:
    """The harm in words; none if the packet takes Google's own path, or if the policy tolerates what lets it out."""
    user, step, want = views.user, view.step, views.future.want
    packet, verdict = views.field.packet(row, column), view.verdict(row, column)
    lets_out = _lets_out(verdict)
    adopted = want.adopted is not None and way_at(user, step) == want.way  # which the policy lets be as it is
    tolerated = adopted or any(fnmatchcase(lets_out, glob) for glob in want.profile.tolerates)
    if harm == "open" and (not verdict.inside or tolerated):
        return ()
    sure = "could" if verdict.answer == Answer.UNKNOWN else "would"
    port = f":{packet.port}" if packet.port else ""
    who = user.who or user.job.job
    decider = verdict.decider
    decides = lets_out if harm == "open" and lets_out else f"{decider.what}: {decider.said}"
    why = (
        f"the plan fails its proof: {step.said} {sure} {harm} {packet.protocol}{port} to {packet.address} for {who}, "
        f"{_right(harm, was, ours=user.ours)} ({decides} decides)"
    )
    return (Blocked(_about(step), why, _help(harm, lets_out, want)),)


def _right(harm: Harm, was: Answer, *, ours: bool) -> str:
    """By what right the packet is to stay as it is."""
    if harm == "open" and ours:
        return "which its profile does not allow"
    if was == Answer.UNKNOWN:
        doubt = f"whether {'it reaches' if ours else 'they reach'} it now cannot be known"
        return f"which its profile allows, and {doubt}" if ours else f"and {doubt}"
    if harm == "open":
        return "which they do not reach now"
    return "which its profile allows and it reaches now" if ours else "which they reach now"


def _about(step: Step) -> str:
    change = step.made[-1]
    return f"{kind(change)} {subject(change).rsplit('/', 1)[-1]}"


def _help(harm: Harm, lets_out: str, want: Want) -> str:
    profile = want.site.profile
    if harm == "cut":
        return f"nothing was changed; mend what decides there, or change the destinations of {profile}"
    if not lets_out:
        return f"nothing was changed; change the destinations of {profile}, or see what lets it out"
    return f"nothing was changed; have {lets_out} narrowed, or let {profile} say tolerates: [{lets_out}] if it is meant"


def _lets_out(verdict: Verdict) -> str:
    """The short name of the rule or policy that decides at the egress firewall; empty if none does."""
    names = [hop.by for hop in verdict.hops if hop.what == "egress firewall" and hop.by]
    return names[-1].rsplit("/", 1)[-1].split(":")[0] if names else ""
