"""What is asked and what is answered: packets, hops and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What becomes of a packet."""

    YES = "reachable"
    NO = "not reachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a new connection: address as text, protocol as a firewall rule names it, and port (0: none).

    IPv6 is answered with UNKNOWN.
    """

    address: str
    protocol: str
    port: int = 0


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of the way: what it is, what happens there in words, whether the packet passes it, and the full name of
    the resource that decides (empty where that is Google's own default)."""

    what: str
    said: str
    answer: Answer
    by: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The way of a packet. `inside`: it goes through the VPC; by Google's own path no rule limits it."""

    answer: Answer
    hops: tuple[Hop, ...]
    inside: bool

    @property
    def decider(self) -> Hop:
        """The hop that decides: the first that stops it, else the first that cannot be known, else the last."""
        for answer in (Answer.NO, Answer.UNKNOWN):
            for hop in self.hops:
                if hop.answer == answer:
                    return hop
        return self.hops[-1]


@dataclass(frozen=True, slots=True)
class Receiver:
    """The machine at the destination, where that lies in the network or in a peer's. None: nobody has said which tags
    it has, or which account, so that rules for some machines may be for it or not; the default has neither."""

    tags: frozenset[str] | None = frozenset()
    account: str | None = ""
