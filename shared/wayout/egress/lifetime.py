"""When a site has come to the end of its life, and what is said or done then."""

from __future__ import annotations

from dataclasses import replace

from wayout.egress import managers, planner, removal
from wayout.egress.model import IdleSince, Plan, Seen, SubnetsOf
from wayout.egress.remedies import Want
from wayout.egress.remedies.elsewhere import needing


def idle(want: Want, seen: Seen) -> bool:
    """Whether something of the site stands, and neither a job nor an execution uses or needs it.

    A job that is left on a way of its own does not need it.
    """
    return not needing(want, seen) and _stands(want, seen) and not removal.users(want, seen)


def kept(want: Want, seen: Seen) -> Plan:
    """The plan of a site all of whose jobs are known, whose end of life is not asked about: what somebody has begun to
    take down is not made again. Raises NotLookedError and BlindError."""
    return planner.plan(want, seen) if want.known_jobs or _in_order(want, seen) else Plan()


def judged(want: Want, seen: Seen) -> Plan:
    """The plan of a site all of whose jobs are known, with its end of life: told of, or taken down where that is due.

    What another road has left behind goes as soon as nobody uses it. Raises NotLookedError and BlindError.
    """
    plan = kept(want, seen)
    if idle(want, seen):
        days = seen.maybe(IdleSince(want.site))
        going = removal.plan(want, seen) if removal.due(want, days) else plan
        plan = replace(going, notes=plan.notes, life=removal.words(want, seen, days))
    elif not needing(want, seen) and (found := removal.users(want, seen)):
        said = f"no job needs {want.site.profile} here any more; it is kept while {', '.join(found[:5])} is on it"
        plan = replace(plan, life=(said,))
    return _with_other_road(want, _with_astray(want, plan, seen), seen)


def _with_astray(want: Want, plan: Plan, seen: Seen) -> Plan:
    """Jobs that are attached and need it no longer: left and reported, or detached where the profile says so."""
    astray = [job for job in removal.astray(want, seen) if job.name not in want.needed_by]
    if want.profile.detach:
        astray = [job for job in astray if job.name not in want.moving]
        ours = [job for job in astray if want.detaches_managed or managers.manager(job) is None]
        plan = replace(plan, changes=(*plan.changes, *removal.detached(want, ours)))
        astray = [job for job in astray if job not in ours]
    if not astray:
        return plan
    names = ", ".join(job.name.job for job in astray[:5])
    how = "its source is another's" if want.profile.detach else "detach: true would detach it"
    said = f"{names}: attached, though the policy gives no need for it; left as it is ({how})"
    return replace(plan, life=(*plan.life, said))


def _with_other_road(want: Want, plan: Plan, seen: Seen) -> Plan:
    """A profile whose road was changed leaves the old road's things behind; its jobs move before those go."""
    other = removal.other_road(want)
    if not _stands(other, seen):
        return plan
    users = removal.users(other, seen)
    if users or plan.changes or plan.waiting:
        said = f"the {other.own_road} road of {want.site.profile} still stands, used by {', '.join(users) or 'nobody'}"
        return replace(plan, life=(*plan.life, said))
    if want.profile.idle == "report":
        return replace(plan, life=(*plan.life, *removal.words(other, seen, None)))
    gone = removal.plan(other, seen)
    return replace(
        plan,
        changes=(*plan.changes, *gone.changes),
        blocked=(*plan.blocked, *gone.blocked),
        waiting=(*plan.waiting, *gone.waiting),
    )


def _in_order(want: Want, seen: Seen) -> bool:
    """Whether a site without jobs is worth keeping in order: its way out is there."""
    if want.own_road == "connector":
        return want.own_connector(seen) is not None
    return _stands(want, seen)


def _stands(want: Want, seen: Seen) -> bool:
    """Whether a connector or subnet of the site's own road is there."""
    if want.own_road == "connector" and want.own_connector(seen):
        return True
    return any(subnet.name == want.subnet for subnet in seen.get(SubnetsOf(want.site.network)))
