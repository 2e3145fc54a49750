"""What every door does with what goes wrong behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wayout.cloud import log


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
