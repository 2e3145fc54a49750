"""How users of a network fare at the steps of a plan, with everything that is asked twice put together once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from wayout.egress import grounds
from wayout.egress.grounds import elsewhere, ground
from wayout.egress.model import Attach, Change, FirewallRule, JobName, Seen, Update, Way
from wayout.egress.proof.allowance import Allowance
from wayout.egress.proof.future import Step, after, prefixes, steps
from wayout.egress.proof.packets import Field, Sight, field, tags_of
from wayout.egress.reach import Answer, Ground, Judge, Packet, Verdict, through_vpc
from wayout.egress.reach.spans import number
from wayout.egress.remedies import Want

NOW = Step(())


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose packets a plan must not open or cut a way for. `ours`: the profile speaks of it; `machine`: it is
    a machine in a subnet, and no job."""

    job: JobName
    account: str
    way: Way | None
    ours: bool
    who: str = ""  # in words, where it is no job that is known
    machine: bool = False


class Future:
    """The network at each step of some changes, put together once."""

    def __init__(self, want: Want, seen: Seen, changes: Sequence[Change]) -> None:
        self.want = want
        self._seen = seen
        self.changes = changes
        self.steps = tuple(steps(changes))
        self._known = {NOW: ground(want, seen)}
        self.allowed = Allowance(want.profile, grounds.inside(self.at(NOW)))
        self._fields: dict[Way | None, tuple[Field, Sight]] = {}
        self._prefixes: dict[Step, tuple[Step, ...]] = {}
        self._left = self._grounds_left()

    def at(self, step: Step) -> Ground:
        """The network once a step is made; whoever is attached in it leaves the network as it is."""
        if step not in self._known:
            made = [change for change in step.made if not isinstance(change, Attach)]
            self._known[step] = ground(self.want, after(self._seen, made)) if made else self.at(NOW)
        return self._known[step]

    def prefixes(self, step: Step) -> tuple[Step, ...]:
        """The moments on the way to one, each of them once; the last is the step itself."""
        if step not in self._prefixes:
            self._prefixes[step] = (*islice(prefixes(step), len(step.made) - 1), step)
        return self._prefixes[step]

    def _grounds_left(self) -> dict[Way, Ground]:
        """Where the jobs come from that leave a working way in another network: it stays as it is."""
        leaving = ((one.was, one.job) for one in self.changes if isinstance(one, Attach) and one.way and one.was)
        found = {way: elsewhere(job, way, self.want, self._seen) for way, job in dict(leaving).items()}
        return {way: ground for way, ground in found.items() if ground}

    def under(self, way: Way | None, step: Step) -> Ground:
        """The network that a way leads into, once a step is made."""
        return self._left[way] if way in self._left else self.at(step)

    def field(self, way: Way | None) -> tuple[Field, Sight]:
        """The packets that tell all this apart for whoever has this way now, and what the profile sees of them."""
        if way not in self._fields:
            grounds = (self.at(NOW), *((self._left[way],) if way in self._left else ()))
            found = field(way, self.want.way, grounds, self.changes, self.allowed)
            self._fields[way] = found, Sight(self.allowed, found)
        return self._fields[way]

    def judge(self, user: User, step: Step) -> Judge:
        """Who judges somebody's packets once a step is made."""
        way = way_at(user, step)
        return Judge(user.job, way, user.account, self.under(way, step), machine=user.machine)


class View:
    """How one user fares at one step; packets that look alike to the judge are judged once."""

    def __init__(self, user: User, step: Step, future: Future, of: Field) -> None:
        self.step = step
        self._judge = future.judge(user, step)
        self._field = of
        self._known: dict[tuple[int, int], Answer] = {}
        self.sight = Sight(self._judge, of)

    def answer(self, row: int, column: int) -> Answer:
        """What becomes of a packet of the field."""
        key = self.alike(row, column)
        if key not in self._known:
            self._known[key] = self._judge.reaches(self._field.packet(row, column))
        return self._known[key]

    def verdict(self, row: int, column: int) -> Verdict:
        """The same, hop by hop."""
        return self._judge.judge(self._field.packet(row, column))

    def alike(self, row: int, column: int) -> tuple[int, int]:
        """What packets that look alike here have in common."""
        return self.sight.rows[row], self.sight.columns[column]


class Views:
    """How one user fares at whatever steps somebody asks about."""

    def __init__(self, user: User, future: Future) -> None:
        self.user = user
        self.future = future
        self.field, self.may = future.field(user.way)
        self._known: dict[Step, View] = {}

    def at(self, step: Step) -> View:
        """The same view for the same step."""
        if step not in self._known:
            self._known[step] = View(self.user, step, self.future, self.field)
        return self._known[step]

    def first(self, step: Step, row: int, column: int, was: Answer) -> View:
        """The view at the first step on the way to one at which a packet fares otherwise."""
        on_the_way = map(self.at, self.future.prefixes(step))
        return next((one for one in on_the_way if one.answer(row, column) != was), self.at(step))


def way_at(user: User, step: Step) -> Way | None:
    """Somebody's way once a step is made."""
    return next((one.way for one in step.made if isinstance(one, Attach) and one.job == user.job), user.way)


def inside(way: Way | None, packet: Packet) -> bool:
    """Whether a packet takes its way through the VPC, and not Google's own path."""
    to = number(packet.address)
    return way is not None and to is not None and through_vpc(way.egress, to)


def concerns(user: User, step: Step, future: Future) -> bool:
    """Whether a step can make a difference to somebody: not to who stays without a way, nor to who stays on theirs by
    rules for machines that are neither theirs nor at the other end (a `Receiver` has no tags)."""
    if way_at(user, step) != user.way:
        return True
    if user.way is None or future.at(step) is future.at(NOW):
        return False
    tags = tags_of(user.way)
    changes = [change for change in step.made if not isinstance(change, Attach)]
    things = (*(one.thing for one in changes), *(one.was for one in changes if isinstance(one, Update)))
    return any(
        not (isinstance(one, FirewallRule) and one.target_tags and tags.isdisjoint(one.target_tags)) for one in things
    )
