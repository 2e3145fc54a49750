"""What every door does with what goes wrong behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudevents.http import CloudEvent

from wayout.cloud import echoes, log

if TYPE_CHECKING:
    from wayout.echo import Door


@contextmanager
def watched(door: str, id_: str) -> Iterator[None]:
    """Log what is raised, with the event's id, and let it through: raising is how a delivery is asked for again."""
    try:
        yield
    except Exception as error:
        from wayout.cloud.errors import TryAgainError

        if isinstance(error, TryAgainError):
            log.info("this delivery is to come again", door=door, id=id_, why=str(error))
        else:
            log.error("unexpected failure", cause=error, door=door, id=id_)
        raise


def echoed(door: Door, event: CloudEvent) -> bool:
    """Whether a message is the doctor's and none of the door's own: asked for an echo, it is answered."""
    found = echoes.read(event.get_attributes(), event.get_data())
    if isinstance(found, echoes.Wanted):
        answer(door, found)
    return found is not None


def answer(door: Door, wanted: echoes.Wanted) -> None:
    """Answer an echo. Only now is loaded what that takes."""
    from wayout import echo, wiring

    parts = wiring.parts()
    echo.answer(wanted.asked, door, wanted.id, parts.clients, parts.outbox)
