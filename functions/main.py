"""The bundle's root module: one entry point per function."""

from __future__ import annotations

from functions import unread
from functions.on_audit_log import on_audit_log
from functions.on_outcome import on_outcome
from functions.on_request import on_request
from functions.on_schedule import on_schedule

__all__ = ["on_audit_log", "on_outcome", "on_request", "on_schedule"]

unread.given_to(on_audit_log, on_outcome, on_request, on_schedule)
