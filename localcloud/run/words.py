"""How each version of the API says what is wrong with a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.errors import INVALID, ApiError
from localcloud.run.taskspec import CONNECTOR, INTERFACES

TASK = "spec.template.spec.template.spec"
# What v1 keeps elsewhere than in the task's spec.
ELSEWHERE = {
    "vpc_access.connector": f"spec.template.metadata.annotations[{CONNECTOR}]",
    "vpc_access.network_interfaces": f"spec.template.metadata.annotations[{INTERFACES}]",
}


@dataclass(frozen=True)
class Words:
    """`verb` is what the refusal calls the request; `wrong` takes a field of the task and what is wrong with it."""

    verb: str
    wrong: Callable[[str, str], ApiError]


def words_v2(verb: str) -> Words:
    """Source: public reports of the v2 API."""

    def wrong(field: str, message: str) -> ApiError:
        return ApiError(INVALID, f"Violation in {verb}Request.job.template.template.{field}: {message}")

    return Words(verb, wrong)


def words_v1(verb: str) -> Words:
    """Source: public reports of the v1 API, which name the field first."""
    return Words(verb, lambda field, message: violation(ELSEWHERE.get(field, f"{TASK}.{field}"), message))


def violation(field: str, description: str) -> ApiError:
    """A field of a v1 request that is wrong: named in the message, and once more in the details."""
    found = {"field": field, "description": description}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [found]}]
    return ApiError(INVALID, f"{field}: {description}", details=details)
