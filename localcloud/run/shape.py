"""What Cloud Run makes of a job: defaults, etags, conditions. Source: recorded answers of real projects."""

from __future__ import annotations

import base64
import binascii
import copy
import string
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import ABORTED, NOT_FOUND, PRECONDITION, ApiError

JOB = "type.googleapis.com/google.cloud.run.v2.Job"
EXECUTION = "type.googleapis.com/google.cloud.run.v2.Execution"
TOKENS = ("startExecutionToken", "runExecutionToken")
SETTABLE = (
    *("labels", "annotations", "client", "clientVersion", "launchStage", "binaryAuthorization", "template"),
    *("functionalType", *TOKENS),
)
BESIDE = "@v1"  # in a stored document: what v1 said that v2 has no field for. Never answered by v2
OPERATION = "run.googleapis.com/operation-id"  # which operation wrote it last, in v1's words, under BESIDE
LETTERS = string.ascii_lowercase + string.digits


def filled(cloud: Cloud, project: str, body: Document) -> Document:
    """What may be set in a job of what was sent, with the defaults that Cloud Run fills in."""
    job = {key: copy.deepcopy(value) for key, value in body.items() if key in SETTABLE or key.startswith("@")}
    job.setdefault("launchStage", "GA")
    outer = job.setdefault("template", {})
    outer["taskCount"] = outer.get("taskCount") or 1
    task = outer.setdefault("template", {})
    task.setdefault("maxRetries", 3)
    task.setdefault("timeout", "600s")
    task.setdefault("serviceAccount", f"{cloud.number(project)}-compute@developer.gserviceaccount.com")
    if task.get("executionEnvironment", "EXECUTION_ENVIRONMENT_UNSPECIFIED") == "EXECUTION_ENVIRONMENT_UNSPECIFIED":
        task["executionEnvironment"] = "EXECUTION_ENVIRONMENT_GEN2"
    for container in task.get("containers", []):
        limits = container.setdefault("resources", {}).setdefault("limits", {})
        limits.setdefault("cpu", "1000m")
        limits.setdefault("memory", "512Mi")
        if "startupProbe" in container:
            probe = {"failureThreshold": 3, "periodSeconds": 10, "timeoutSeconds": 1}
            container["startupProbe"] = probe | container["startupProbe"]
    return job


def seen(cloud: Cloud, job: Document, *, uid: bool = True) -> Document:
    """A job as it is answered: a copy, typed by nobody. Operations' metadata carry no `uid`."""
    hidden = set() if cloud.switch("run.tokens_returned") else set(TOKENS)
    hidden |= {BESIDE} if uid else {BESIDE, "uid"}
    return {key: copy.deepcopy(value) for key, value in job.items() if key not in hidden}


class Moments:
    """When things were written, in microseconds since 1970: no two writes have the same, for they are versions."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._last = 0

    def next(self) -> int:
        """Now, or the first moment after the last write."""
        self._last = max(self._last + 1, micros(self._cloud.clock.now()))
        return self._last


def micros(moment: datetime | str) -> int:
    """A moment, or its text, in microseconds since 1970."""
    given = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (given - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def etag(cloud: Cloud, name: str) -> str:
    """A new etag: the base64 of a protobuf timestamp and of the resource's name, quotes included."""
    stamp = Timestamp()
    stamp.FromMicroseconds(cloud.part(Moments).next())
    return f'"{_b64(stamp.SerializeToString())}/{_b64(name.encode())}"'


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def version(tag: str) -> str:
    """An etag's time in microseconds, as refusals name it; the etag itself when it holds none."""
    stamp = Timestamp()
    try:
        text = tag.strip('"').split("/")[0]
        stamp.ParseFromString(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return tag
    except Exception as failure:
        if type(failure).__name__ != "DecodeError":
            raise
        return tag
    return str(stamp.ToMicroseconds())


def resource_version(document: Document) -> int:
    """v1's version of a stored job or execution: when it was written, or (if that is later) came to its condition.

    Source: a recorded job whose resourceVersion is the time at which it became ready.
    """
    conditions = [document.get("terminalCondition", {}), *document.get("conditions", [])]
    times = [micros(one["lastTransitionTime"]) for one in conditions if "lastTransitionTime" in one]
    return max([int(version(document["etag"])), *times])


def check_etag(cloud: Cloud, given: str, job: Document) -> None:
    """Refuses a write that was made for another version; a missing etag is accepted."""
    if given and given != job["etag"]:
        raise conflict(cloud, job, version(given), version(job["etag"]))


def conflict(cloud: Cloud, job: Document, given: str, current: str) -> ApiError:
    """The refusal of a write that was made for another version. Source: an audit entry of a real conflict."""
    code = PRECONDITION if cloud.switch("run.etag_refusal") == "FAILED_PRECONDITION" else ABORTED
    message = (
        f"Conflict for resource '{job['name'].rsplit('/', 1)[-1]}': version '{given}' was specified "
        f"but current version is '{current}'."
    )
    return ApiError(code, message)


def pending(job: Document) -> None:
    """The job has been changed and Cloud Run has not caught up."""
    job["reconciling"] = True
    before = job.get("terminalCondition", {})
    job["terminalCondition"] = before | {"state": "CONDITION_PENDING"}


def settle(cloud: Cloud, job: Document, doomed: ApiError | None = None) -> ApiError | None:
    """Cloud Run has caught up with the job's generation: it is ready, or it cannot be, and the answer says why not.

    `doomed`: what it was to fail with on demand.

    A condition that stays as it was keeps its time. Source: recorded updates. `run.missing_images`: what a missing
    image does is recorded of v1 (the job is there, and not ready), and of v2 told by Terraform (code 5).
    """
    before = job.get("terminalCondition", {})
    was_ready = "type" in before and "reason" not in before
    job.pop("reconciling", None)
    job["observedGeneration"] = job["generation"]
    missing = "deleteTime" not in job and missing_image(cloud, job)
    now = cloud.clock.stamp()
    cloud.part(Moments).next()  # so that a write of this very moment is of a later version than this condition
    if doomed:
        _fail(job, "UNKNOWN", doomed.message, now)
        return doomed
    if not missing:
        since = before["lastTransitionTime"] if was_ready else now
        job["terminalCondition"] = {"type": "Ready", "state": "CONDITION_SUCCEEDED", "lastTransitionTime": since}
        return None
    message = f"Image '{missing}' not found."
    _fail(job, "CONTAINER_MISSING", message, now)
    return ApiError(NOT_FOUND, message)


def _fail(job: Document, reason: str, message: str, now: str) -> None:
    failed = {"type": "Ready", "state": "CONDITION_FAILED", "reason": reason, "message": message}
    job["terminalCondition"] = failed | {"lastTransitionTime": now}


def missing_image(cloud: Cloud, job: Document) -> str:
    """The first image of a job that is not there: one of the switch `run.missing_images`."""
    absent = cloud.switch("run.missing_images")
    images = (str(one.get("image", "")) for one in job["template"]["template"].get("containers", []))
    return next((image for image in images if image in absent), "")


def suffix(cloud: Cloud) -> str:
    """Five letters and digits, as in the names that Cloud Run makes up."""
    number, found = int(cloud.new_id()) * 2_654_435_761 % 36**5, ""
    for _ in range(5):
        number, rest = divmod(number, 36)
        found += LETTERS[rest]
    return found
