"""Before the first pass: whether a site is anybody's business now."""

from __future__ import annotations

from typing import Any

from wayout.egress import naming
from wayout.egress.model import NotLookedError, Read, Seen, Site, State, SubnetName, SubnetsOf
from wayout.parts import Parts
from wayout.run import Run


def subnets(site: Site) -> set[SubnetName]:
    """The site's own subnets, on either road."""
    return {naming.subnet_of(site, "connector"), naming.subnet_of(site, "direct")}


def under_way(run: Run, parts: Parts) -> bool:
    """Whether the site's own connector is being made or deleted."""
    want = run.bare()
    _look(run, parts, want.connectors)
    ours = want.own_connector(_seen(run))
    return ours is not None and ours.state in (State.CREATING, State.DELETING)


def wanted(run: Run, parts: Parts) -> bool:
    """Whether anybody needs the site or anything of it stands, and nothing is under way.

    While its connector is being made, its finished entry is still to come, and so is everything that an entry now
    could tell.
    """
    if under_way(run, parts):
        return False
    _look(run, parts, *run.job_reads)
    while True:
        try:
            if run.bare().own_connector(_seen(run)) or run.jobs(_seen(run)):
                return True
            there = _seen(run).get(SubnetsOf(run.site.network))
            return any(found.name in subnets(run.site) for found in there)
        except NotLookedError as missing:
            _look(run, parts, missing.read)


def _look(run: Run, parts: Parts, *reads: Read[Any]) -> None:
    """Before the first pass: at what nobody has looked at yet."""
    if missing := set(reads) - run.known.keys() - run.looked.keys():
        run.looked |= parts.look(missing)


def _seen(run: Run) -> Seen:
    return Seen({**run.known, **run.looked})
