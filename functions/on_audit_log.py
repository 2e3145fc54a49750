"""An audit log entry, from a log sink or from Eventarc: what it names is reconciled."""

from __future__ import annotations

import os

import functions_framework
from cloudevents.http import CloudEvent

from functions.door import answer, watched
from wayout.cloud import echoes, events, log
from wayout.egress.targets import JobTarget, Target, ThingTarget


@functions_framework.cloud_event
def on_audit_log(event: CloudEvent) -> None:
    """Acknowledges what is not for us and what cannot be read; raises what should be delivered again."""
    ours = events.Ours(os.environ.get("WAYOUT_PRINCIPAL", "").strip())
    match events.read(event.get_attributes(), event.get_data(), ours=ours):
        case events.SetAside(id_, why):
            log.debug("event set aside", id=id_, why=why)
        case events.Unclear(id_, why):
            log.count("event.unread", "event could not be read", id=id_, why=why)
        case echoes.Wanted() as wanted:
            with watched("on_audit_log", wanted.id):
                answer("on_audit_log", wanted)
        case events.Names(target, cause):
            log.info("event", id=cause.id, who=cause.who, what=cause.what, when=cause.when, target=_name(target))
            with watched("on_audit_log", cause.id):
                from wayout import wiring

                wiring.parts().reconcile(target, cause)


def _name(target: Target) -> str:
    match target:
        case JobTarget(job):
            return str(job)
        case ThingTarget(name):
            return str(name)
        case _:
            return "everything"
