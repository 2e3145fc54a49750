"""What Cloud Run makes of a job: defaults, etags, conditions. Source: recorded answers of real projects."""

from __future__ import annotations

import base64
import binascii
import copy
import string

from google.protobuf.timestamp_pb2 import Timestamp

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import ABORTED, PRECONDITION, ApiError

JOB = "type.googleapis.com/google.cloud.run.v2.Job"
EXECUTION = "type.googleapis.com/google.cloud.run.v2.Execution"
TOKENS = ("startExecutionToken", "runExecutionToken")
SETTABLE = (
    *("labels", "annotations", "client", "clientVersion", "launchStage", "binaryAuthorization", "template"),
    *("functionalType", *TOKENS),
)
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
    hidden = set() if cloud.switches.get("run.tokens_returned", True) else set(TOKENS)
    hidden |= set() if uid else {"uid"}
    return {key: copy.deepcopy(value) for key, value in job.items() if key not in hidden}


def etag(cloud: Cloud, name: str) -> str:
    """A new etag: the base64 of a protobuf timestamp and of the resource's name, quotes included."""
    stamp = Timestamp()
    stamp.FromDatetime(cloud.clock.now())
    stamp.nanos += int(cloud.new_id()) % 1000  # so that two writes of one moment differ
    return f'"{_b64(stamp.SerializeToString())}/{_b64(name.encode())}"'


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def version(tag: str) -> str:
    """An etag's time in nanoseconds, as refusals name it; the etag itself when it holds none."""
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
    return str(stamp.seconds * 10**9 + stamp.nanos)


def check_etag(cloud: Cloud, given: str, job: Document) -> None:
    """Refuses a write that was made for another version; a missing etag is accepted."""
    if not given or given == job["etag"]:
        return
    code = PRECONDITION if cloud.switches.get("run.etag_refusal", "ABORTED") == "FAILED_PRECONDITION" else ABORTED
    message = (
        f"Conflict for resource '{job['name'].rsplit('/', 1)[-1]}': version '{version(given)}' was specified "
        f"but current version is '{version(job['etag'])}'."
    )
    raise ApiError(code, message)


def pending(job: Document) -> None:
    """The job has been changed and Cloud Run has not caught up."""
    job["reconciling"] = True
    before = job.get("terminalCondition", {})
    job["terminalCondition"] = before | {"state": "CONDITION_PENDING"}


def ready(cloud: Cloud, job: Document) -> None:
    """Cloud Run has caught up with the job's generation."""
    job.pop("reconciling", None)
    job["observedGeneration"] = job["generation"]
    job["terminalCondition"] = {
        "type": "Ready",
        "state": "CONDITION_SUCCEEDED",
        "lastTransitionTime": cloud.clock.stamp(),
    }


def suffix(cloud: Cloud) -> str:
    """Five letters and digits, as in the names that Cloud Run makes up."""
    number, found = int(cloud.new_id()) * 2_654_435_761 % 36**5, ""
    for _ in range(5):
        number, rest = divmod(number, 36)
        found += LETTERS[rest]
    return found
