"""What may be written in a Shared VPC's host project: nothing, unless the policy says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from wayout.egress import commands
from wayout.egress.model import Attach, Blocked, Change, kind
from wayout.egress.remedies import Want


def held_back(want: Want, changes: Sequence[Change]) -> tuple[list[Change], list[Blocked]]:
    """The changes that may be made, and for each other one the command for an admin of the host project."""
    if not want.hosted or want.profile.host_writes:
        return list(changes), []
    held = [change for change in changes if _in_host(change, want)]
    return [change for change in changes if change not in held], [_blocked(change, want) for change in held]


def writing(want: Want) -> Want | None:
    """The same want of somebody who may write in the host project; None where that makes no difference."""
    if not want.hosted or want.profile.host_writes:
        return None
    return replace(want, profile=want.profile.model_copy(update={"host_writes": True}))


def script(want: Want, changes: Sequence[Change]) -> tuple[Blocked, ...]:
    """What an admin of the host project is to run for these changes, passes of them, in one go and in their order."""
    held = [change for change in changes if _in_host(change, want)]
    if not held:
        return ()
    host, profile = want.site.network.project, want.site.profile
    kinds = Counter(kind(change) for change in held)
    what = ", ".join(f"{count} {name}s" if count > 1 else name for name, count in kinds.items())
    why = f"what is missing lies in the host project {host}, where the profile {profile} lets us write nothing"
    help_ = (
        f"let an admin of {host} run this, in this order, and the next sweep or wayout apply JOB goes on from there; "
        f"or let the profile {profile} say host_writes: true"
    )
    lines = (line for change in held for line in (f"# {change.because}", commands.gcloud(change)))
    return (Blocked(what, why, "\n".join([help_, *lines])),)


def _in_host(change: Change, want: Want) -> bool:
    return not isinstance(change, Attach) and change.thing.name.project == want.site.network.project


def _blocked(change: Change, want: Want) -> Blocked:
    host = want.site.network.project
    name = str(change.job if isinstance(change, Attach) else change.thing.name).rsplit("/", 1)[-1]
    why = (
        f"{change.because}; it lies in the host project {host}, "
        f"where the profile {want.site.profile} lets us write nothing"
    )
    help_ = f"let an admin of {host} run: {commands.gcloud(change)} - or let the profile say host_writes: true"
    return Blocked(f"{kind(change)} {name}", why, help_)
