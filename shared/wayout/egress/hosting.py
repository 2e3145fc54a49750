"""What may be written in a Shared VPC's host project: nothing, unless the policy says so."""

from __future__ import annotations

from collections.abc import Sequence

from wayout.egress import commands
from wayout.egress.model import Attach, Blocked, Change, kind
from wayout.egress.remedies import Want


def held_back(want: Want, changes: Sequence[Change]) -> tuple[list[Change], list[Blocked]]:
    """The changes that may be made, and for each other one the command for an admin of the host project."""
    if not want.hosted or want.profile.host_writes:
        return list(changes), []
    host = want.site.network.project
    ours = [change for change in changes if isinstance(change, Attach) or change.thing.name.project != host]
    held = [change for change in changes if change not in ours]
    return ours, [_blocked(change, want) for change in held]


def _blocked(change: Change, want: Want) -> Blocked:
    host = want.site.network.project
    name = str(change.job if isinstance(change, Attach) else change.thing.name).rsplit("/", 1)[-1]
    why = (
        f"{change.because}; it lies in the host project {host}, "
        f"where the profile {want.site.profile} lets us write nothing"
    )
    help_ = f"let an admin of {host} run: {commands.gcloud(change)} - or let the profile say host_writes: true"
    return Blocked(f"{kind(change)} {name}", why, help_)
