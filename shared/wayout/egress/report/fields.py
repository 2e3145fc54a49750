"""A reconcile's stages as log fields: plain JSON, one line each."""

from __future__ import annotations

from typing import Any

from wayout.egress.model import Change, Outcome, Plan, kind, subject, verb
from wayout.egress.need import Intent


def change_fields(change: Change) -> dict[str, Any]:
    """What is changed, and why."""
    return {"verb": verb(change), "kind": kind(change), "subject": subject(change), "because": change.because}


def plan_fields(number: int, plan: Plan) -> dict[str, Any]:
    """One pass's plan; `pass` counts from 0."""
    return {
        "pass": number,
        "changes": [change_fields(change) for change in plan.changes],
        "blocked": [{"what": found.what, "why": found.why, "help": found.help} for found in plan.blocked],
        "waiting": [{"what": found.what, "until": found.until} for found in plan.waiting],
        "notes": [*plan.notes, *plan.life],
    }


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """What became of one change."""
    said = change_fields(outcome.change)
    return said | {"result": outcome.result.value, "detail": outcome.detail, "help": outcome.help}


def intent_fields(intent: Intent) -> dict[str, Any]:
    """What the policy wants for a job, and because of what."""
    site = str(intent.site) if intent.site else ""
    return {"job": str(intent.job), "stance": intent.stance.value, "because": intent.because, "site": site}
