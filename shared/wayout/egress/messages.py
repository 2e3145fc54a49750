"""What Wayout and other systems say to each other: requests in, outcomes out. Schemas: docs/schemas."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from wayout.egress.model import Deed

OUTCOME_TYPE = "dev.wayout.outcome.v1"

JOB_PATTERN = r"^projects/[a-z0-9:.-]{1,63}/locations/[a-z0-9-]{1,40}/jobs/[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _job_name(text: str) -> str:
    if not re.fullmatch(JOB_PATTERN, text):
        raise ValueError("write projects/PROJECT/locations/REGION/jobs/JOB")
    return text


class Request(_Message):
    """Another system asks: give this job a way out."""

    job: Annotated[
        str,
        AfterValidator(_job_name),
        Field(json_schema_extra={"pattern": JOB_PATTERN}, description="projects/PROJECT/locations/REGION/jobs/JOB"),
    ]
    profile: Annotated[str, Field(max_length=63, description="a profile that the policy lets the sender choose")] = ""
    sender: Annotated[str, Field(max_length=200, description="who asks; repeated in the outcome")] = ""
    id: Annotated[str, Field(max_length=200, description="repeated in the outcome, to tell answers apart")] = ""


class CauseSaid(_Message):
    """Who did what, as the event said it."""

    id: str
    who: str = ""
    what: str = ""
    when: str = ""


class SiteSaid(_Message):
    """The site that an outcome is about."""

    network: str
    region: str
    profile: str


class JobSaid(_Message):
    """What was decided for one job, because of what, and whether it is on its way out now."""

    job: str
    stance: Literal["needs", "fine", "exempt", "unclear", "absent"]
    because: str
    attached: bool = False


class ChangeSaid(_Message):
    """One change: `The KIND SUBJECT has been RESULT`, `because`. `planned`: nobody applied it (mode observe)."""

    verb: Deed
    kind: str
    subject: str
    because: str
    result: Literal["created", "updated", "removed", "kept", "refused", "put off", "planned"]
    detail: str = ""
    help: str = ""


class BlockedSaid(_Message):
    """What stands in the way, why, and who or what can help."""

    what: str
    why: str
    help: str


class WaitingSaid(_Message):
    """What is waited for."""

    what: str
    until: str


class ErrorSaid(_Message):
    """What is wrong with a request: the field (dotted, empty for the whole message) and the reason."""

    field: str
    message: str


class OutcomeSaid(_Message):
    """The data of an outcome's CloudEvent.

    `status`: `whole` (the way out is as it should be), `planned` (changes wanted, nobody applied them), `blocked`,
    `waiting` (carried on by a later event), `refused` (Google said no), `invalid` (the request could not be read),
    `unneeded` (no job here needs a way out). `tell`: Slack channels that the profile names.
    """

    status: Literal["whole", "planned", "blocked", "waiting", "refused", "invalid", "unneeded"]
    cause: CauseSaid
    request: str = ""
    mode: Literal["observe", "enforce", "paused"] = "enforce"
    plan: str = ""
    site: SiteSaid | None = None
    jobs: tuple[JobSaid, ...] = ()
    changes: tuple[ChangeSaid, ...] = ()
    blocked: tuple[BlockedSaid, ...] = ()
    waiting: tuple[WaitingSaid, ...] = ()
    notes: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    way: tuple[str, ...] = ()
    error: ErrorSaid | None = None

    @property
    def changed(self) -> bool:
        """Something was changed, or at least tried or planned."""
        return any(change.result != "kept" for change in self.changes)
