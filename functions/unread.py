"""What functions-framework cannot read is a bad event like any other: its door says so, and acknowledges it.

The framework refuses a Pub/Sub message without data, or a body that is none, before a door hears of it: the message
would come again thirty times, and nobody would know. What it has read costs nothing here.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import flask
import functions_framework
from cloudevents.http import CloudEvent

Door = Callable[[CloudEvent], None]

_TYPE = "google.cloud.pubsub.topic.v1.messagePublished"
_SOURCE = "//pubsub.googleapis.com/"
_REFUSED = (400, 415)


def given_to(*doors: Door) -> None:
    """Give what the app cannot read that is being made to its door; without such an app or door, nothing changes.

    functions-framework loads a bundle's root module within the context of its app, which has its target's name.
    """
    app = flask.current_app if flask.has_app_context() else None
    door = next((door for door in doors if app and door.__name__ == app.name), None)
    if app and door:
        for status in _REFUSED:
            app.register_error_handler(status, partial(_given, door))
        app.register_error_handler(500, partial(_crashed, door))


def _given(door: Door, _: object) -> str:
    """The body as it came: every door opens its envelope itself."""
    told = {"id": flask.request.headers["ce-id"]} if "ce-id" in flask.request.headers else {}
    door(CloudEvent({"type": _TYPE, "source": _SOURCE, **told}, flask.request.get_data()))
    return "OK"


def _crashed(door: Door, error: Exception) -> Any:
    """A failure of the framework's own is about what it cannot read; one behind the door asks for another delivery."""
    if not _behind_a_door(getattr(error, "original_exception", None)):
        return _given(door, error)
    crash: Any = functions_framework.crash_handler
    return crash(error)


def _behind_a_door(error: BaseException | None) -> bool:
    frames = traceback.walk_tb(error.__traceback__) if error else ()
    return any(frame.f_globals.get("__name__", "").startswith("functions.") for frame, _ in frames)
