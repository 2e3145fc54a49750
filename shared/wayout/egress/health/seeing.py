"""What the doctor sees of a deployment from outside, and what it hears from inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wayout.egress.health.messages import EchoSaid
from wayout.egress.model import Absent, Present, Sighting, Unreadable

# role -> members, of one IAM policy
Bindings = Mapping[str, frozenset[str]]

EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


@dataclass(frozen=True, slots=True)
class Right:
    """A permission, and the predefined roles that hold it."""

    permission: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Apis:
    """The APIs that are enabled in a project, by their full names, of those that were asked for; and its number."""

    number: str
    enabled: frozenset[str]


@dataclass(frozen=True, slots=True)
class SinkSeen:
    """A log sink. `writer` is an IAM member; `exclusions` are filters."""

    destination: str
    filter: str
    writer: str
    disabled: bool = False
    exclusions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionSeen:
    """A subscription; what it does not have is empty. Times are in seconds: `retry` the least and the most between two
    tries, `expires` those without use after which it is deleted (0: never)."""

    topic: str
    endpoint: str = ""
    account: str = ""
    audience: str = ""
    deadline: int = 0
    dead_topic: str = ""
    filter: str = ""
    attempts: int = 0
    retry: tuple[float, float] | None = None
    expires: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one echo, sent down a flow; into the log of project `source` where it goes through a sink.

    `unsent`: it could not be sent, or its answer not be listened for. `seconds`: until the answer, or until nobody
    waited any more.
    """

    flow: str
    source: str = ""
    answer: EchoSaid | None = None
    seconds: float = 0.0
    unsent: Absent | Unreadable | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything. Policies are by the resource that they are on, custom roles and sinks by full name, subscriptions by
    flow."""

    apis: Mapping[str, Sighting[Apis]] = field(default_factory=dict)
    sinks: Mapping[str, Sighting[SinkSeen]] = field(default_factory=dict)
    subscriptions: Mapping[str, Sighting[SubscriptionSeen]] = field(default_factory=dict)
    policies: Mapping[str, Sighting[Bindings]] = field(default_factory=dict)
    echoes: tuple[Heard, ...] = ()
    roles: Mapping[str, Sighting[frozenset[str]]] = field(default_factory=dict)

    def came_back(self, flow: str, source: str = "") -> bool:
        """An echo went down the whole way: whatever lies on it works."""
        return any(one.answer and one.flow == flow and source in ("", one.source) for one in self.echoes)

    def answers(self) -> list[EchoSaid]:
        """The answers, one of each function."""
        return list({one.answer.door: one.answer for one in self.echoes if one.answer}.values())

    def holds(self, member: str, right: Right, resource: str) -> bool | Unreadable:
        """Whether a member has a right on a resource, there or by its project."""
        blind: Unreadable | None = None
        for name in (resource, "/".join(resource.split("/")[:2])):
            match self.policies.get(name, Absent()):
                case Present(bindings):
                    roles = [role for role, members in bindings.items() if members & (EVERYBODY | {member})]
                    found = [self._gives(role, right) for role in roles]
                    if True in found:
                        return True
                    blind = blind or next((one for one in found if isinstance(one, Unreadable)), None)
                case Unreadable() as unreadable:
                    blind = blind or unreadable
        return blind or False

    def _gives(self, role: str, right: Right) -> bool | Unreadable:
        """A predefined role is known by its name; what a custom one holds was read."""
        match self.roles.get(role):
            case Present(permissions):
                return right.permission in permissions
            case Unreadable() as unreadable:
                return unreadable
        return role in right.roles


def custom(bindings: Bindings, member: str) -> set[str]:
    """The custom roles that a member has by a policy."""
    return {role for role, members in bindings.items() if member in members and not role.startswith("roles/")}
