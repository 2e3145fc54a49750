"""Doing: every change goes to the one writer that owns it, side by side; what became of it is an Outcome."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import assert_never

from wayout.cloud import compute_write, log, run, vpcaccess
from wayout.cloud.clients import Clients
from wayout.cloud.errors import CloudError, ConflictError, GoneError, RefusedError, TryAgainError, UnfinishedError
from wayout.cloud.operations import Turn
from wayout.egress.model import (
    GONE_ALREADY,
    Attach,
    Change,
    Connector,
    Create,
    FirewallRule,
    Network,
    Outcome,
    Remove,
    Result,
    Router,
    Subnet,
    Thing,
    Update,
    subject,
)

SIDE_BY_SIDE = 8

Progress = Callable[[Change, str], None]

_IDS = uuid.UUID("6f0c1f6e-4f0e-5f0b-9d0a-2a1d7b8f3c55")


def apply(
    changes: Sequence[Change], clients: Clients, *, deadline: float, seed: str, progress: Progress | None = None
) -> tuple[Outcome, ...]:
    """What became of each change, in their order. They must not depend on each other.

    Waits for Google's operations until `deadline` (time.monotonic seconds). `seed` tells one delivery and pass from
    another: within one, a compute write counts once, however often it is sent. One change's failure is its outcome.
    `progress` hears how each goes, from several threads.
    """

    def one(change: Change) -> Outcome:
        turn = Turn(clients, deadline, request_id(seed, change), lambda word: progress and progress(change, word))
        return _outcome(turn, change)

    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="apply") as pool:
        # In no order that others share: instances that do the same work would all begin with the same change.
        under_way = {at: pool.submit(one, changes[at]) for at in random.sample(range(len(changes)), len(changes))}
        return tuple(under_way[at].result() for at in range(len(changes)))


def request_id(seed: str, change: Change) -> str:
    """compute's `requestId`: a UUID, the same for the same change of the same delivery and pass."""
    return str(uuid.uuid5(_IDS, f"{seed}|{type(change).__name__}|{subject(change)}"))


def _outcome(turn: Turn, change: Change) -> Outcome:
    if time.monotonic() >= turn.deadline:
        return Outcome(change, Result.PUT_OFF, "no time was left for it", retry=True)
    try:
        return Outcome(change, _make(turn, change))
    except CloudError as error:
        return _failed(change, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, what became of the others must reach the ledger
        log.error("unexpected failure", cause=error, subject=subject(change))
        return Outcome(change, Result.PUT_OFF, f"unexpected failure: {type(error).__name__}: {error}", retry=True)


def _failed(change: Change, error: CloudError) -> Outcome:
    match error:
        case GoneError() if isinstance(change, Remove):
            return Outcome(change, Result.REMOVED, GONE_ALREADY)
        case GoneError() | ConflictError():
            return Outcome(change, Result.KEPT, error.why)
        case UnfinishedError():
            return Outcome(change, Result.PUT_OFF, error.why, error.help)
        case TryAgainError():
            return Outcome(change, Result.PUT_OFF, error.why, retry=True)
        case RefusedError():
            return Outcome(change, Result.REFUSED, error.why, error.help)
    return Outcome(change, Result.REFUSED, error.why)


def _make(turn: Turn, change: Change) -> Result:
    match change:
        case Attach(job, etag, way):
            run.attach(turn, job, etag, way)
            return Result.UPDATED
        case Create(thing):
            _create(turn, thing)
            return Result.CREATED
        case Update(thing, was):
            _update(turn, thing, was)
            return Result.UPDATED
        case Remove(thing):
            _remove(turn, thing)
            return Result.REMOVED
        case _:
            assert_never(change)


def _create(turn: Turn, thing: Thing) -> None:
    match thing:
        case Network():
            compute_write.create_network(turn, thing)
        case Subnet():
            compute_write.create_subnet(turn, thing)
        case Connector():
            vpcaccess.create_connector(turn, thing)
        case FirewallRule():
            compute_write.create_rule(turn, thing)
        case Router():
            compute_write.create_router(turn, thing)
        case _:
            assert_never(thing)


def _update(turn: Turn, thing: Thing, was: Thing) -> None:
    match thing, was:
        case Network(), _:
            raise RefusedError("Wayout changes no network")
        case Subnet(), _:
            compute_write.update_subnet(turn, thing)
        case Connector(), _:
            vpcaccess.update_connector(turn, thing)
        case FirewallRule(), FirewallRule():
            compute_write.update_rule(turn, thing, was)
        case Router(), Router():
            compute_write.update_router(turn, thing, was)
        case _:
            raise TypeError(f"a {type(was).__name__} cannot become a {type(thing).__name__}")


def _remove(turn: Turn, thing: Thing) -> None:
    match thing:
        case Network():
            raise RefusedError("Wayout removes no network")
        case Subnet():
            compute_write.remove_subnet(turn, thing.name)
        case Connector():
            vpcaccess.remove_connector(turn, thing.name)
        case FirewallRule():
            compute_write.remove_rule(turn, thing.name)
        case Router():
            compute_write.remove_router(turn, thing)
        case _:
            assert_never(thing)
