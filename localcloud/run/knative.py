"""Jobs, executions and tasks in the shape of the v1 API, over the one store of v2 documents.

What v1 says and v2 has no field for is kept beside the v2 document (under shape.BESIDE): `sent` is what was written,
`again` what our translation makes of it, so that a later answer can tell what has changed since and what only was
spelled another way. A v2 write leaves it alone. The other way, what v2 knows and v1 has no field for survives a v1
replace, for its writer cannot have meant to change what it cannot see. (Assumed: public sources only say that every
system annotation of v1 has a field in v2.)

Shapes. Source: a recorded v1 list, a recorded v1 create, replace and delete, and executions in real system events.
"""

from __future__ import annotations

import base64
import binascii
import copy
import uuid

from localcloud.calls import UNKNOWN, Document
from localcloud.core import Cloud
from localcloud.run.checks import RESERVED
from localcloud.run.keeping import merged, picked, plain
from localcloud.run.shape import BESIDE, OPERATION, SETTABLE, TOKENS, resource_version
from localcloud.run.status import execution_status, job_status, task_status
from localcloud.run.taskspec import RUN, task_v1, task_v2
from localcloud.run.words import violation

API = "run.googleapis.com/v1"
LOCATION, UPDATED = "cloud.googleapis.com/location", f"{RUN}lastUpdatedTime"
CREATOR, MODIFIER = f"{RUN}creator", f"{RUN}lastModifier"
CLIENT, CLIENT_VERSION, STAGE = f"{RUN}client-name", f"{RUN}client-version", f"{RUN}launch-stage"
BINARIES, BREAKGLASS = f"{RUN}binary-authorization", f"{RUN}binary-authorization-breakglass"
OWNER = "serving.knative.dev/v1"  # what an execution's ownerReference calls the version. Source: two system events

# Set by Cloud Run. The launch stage is too: what is sent only permits the use of preview features, of which we know
# none, and a real answer to ALPHA names no stage. Source: discovery document of run.v2, recorded v1 create.
OWNED = {
    "annotations": (CREATOR, MODIFIER, OPERATION, STAGE),
    "labels": (LOCATION, UPDATED),
    "metadata": (
        *("name", "namespace", "selfLink", "uid", "resourceVersion", "generation"),
        *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
    ),
}


def sent_v1(body: Document) -> Document:
    """What a v1 request sets of a job: without empty fields, and without what is Cloud Run's to say."""
    given = plain({"metadata": body.get("metadata", {}), "spec": body.get("spec", {})})
    metadata = {key: one for key, one in given["metadata"].items() if key not in OWNED["metadata"]}
    for kind in ("annotations", "labels"):
        metadata[kind] = {key: one for key, one in metadata.get(kind, {}).items() if key not in OWNED[kind]}
    return {"metadata": {key: one for key, one in metadata.items() if one}, "spec": given["spec"]}


def body_v2(sent: Document, project: str, region: str) -> Document:
    """The v2 job that a v1 job means, as far as v2 has fields for it. No defaults are filled in."""
    metadata, spec = sent.get("metadata", {}), sent.get("spec", {})
    notes = metadata.get("annotations", {})
    job = _users(metadata) | _client(notes) | picked(spec, *TOKENS)
    if BINARIES in notes or BREAKGLASS in notes:
        policy = notes.get(BINARIES, "")
        use = {"useDefault": True} if policy == "default" else {"policy": policy}
        said = use | {"breakglassJustification": notes.get(BREAKGLASS, "")}
        job["binaryAuthorization"] = picked(said, *said)
    outer = spec.get("template", {})
    return job | {"template": _template_v2(outer, project, region)}


def _template_v2(outer: Document, project: str, region: str) -> Document:
    metadata, spec = outer.get("metadata", {}), outer.get("spec", {})
    notes = metadata.get("annotations", {})
    found = _users(metadata) | _client(notes) | picked(spec, "parallelism", "taskCount", "delayExecution")
    inner = spec.get("template", {}).get("spec", {})
    task = task_v2(inner, notes, (project, region), lambda field, message: violation(f"spec.template.{field}", message))
    return found | {"template": task}


def _users(metadata: Document) -> Document:
    """Labels and annotations that are the user's: v2 has no others."""
    found: Document = {}
    for kind in ("labels", "annotations"):
        own = {key: one for key, one in metadata.get(kind, {}).items() if not key.startswith(RESERVED)}
        found |= {kind: own} if own else {}
    return found


def _client(notes: dict[str, str]) -> Document:
    said = {"client": notes.get(CLIENT, ""), "clientVersion": notes.get(CLIENT_VERSION, "")}
    return picked(said, *said)


def replaced(before: Document, sent: Document, project: str, region: str) -> Document:
    """The v2 body for a v1 replace of a stored job: what v1 cannot say stays as it was."""
    settable = {
        key: one for key, one in before.items() if (key in SETTABLE or key.startswith(UNKNOWN)) and key not in TOKENS
    }
    again = body_v2(spelled(settable), project, region)
    found: Document = merged(settable, again, body_v2(sent, project, region))
    return found


def spelled(job: Document) -> Document:
    """What can be set of a v2 job, as v1 spells it."""
    metadata = _meta(job)
    notes = metadata.setdefault("annotations", {})
    if job.get("launchStage", "GA") not in ("GA", "LAUNCH_STAGE_UNSPECIFIED"):
        notes[STAGE] = job["launchStage"]
    binaries = job.get("binaryAuthorization", {})
    policy = "default" if binaries.get("useDefault") else binaries.get("policy", "")
    notes |= {BINARIES: policy} if policy else {}
    reason = binaries.get("breakglassJustification")
    notes |= {BREAKGLASS: reason} if reason else {}
    return {"metadata": metadata, "spec": picked(job, *TOKENS) | {"template": _template_v1(job.get("template", {}))}}


def _template_v1(outer: Document) -> Document:
    task, notes = task_v1(outer.get("template", {}))
    metadata = _meta(outer)
    metadata["annotations"] = metadata.get("annotations", {}) | notes
    spec = picked(outer, "parallelism", "taskCount", "delayExecution") | {"template": {"spec": task}}
    return {"metadata": plain(metadata), "spec": spec}


def _meta(thing: Document) -> Document:
    """Labels and annotations of v1, those for the client among them."""
    said = {CLIENT: thing.get("client", ""), CLIENT_VERSION: thing.get("clientVersion", "")}
    found: Document = {"annotations": thing.get("annotations", {}) | picked(said, *said)}
    return found | ({"labels": dict(thing["labels"])} if thing.get("labels") else {})


def beside(job: Document, sent: Document) -> Document:
    """What to keep beside a v2 job that has just been made of `sent`."""
    return {"sent": sent, "again": spelled(job)}


def job_v1(cloud: Cloud, job: Document) -> Document:
    """A stored job in the shape of the v1 API, as one who asks for it sees it."""
    shown = copy.deepcopy(job)
    if not cloud.switch("run.tokens_returned"):
        shown = {key: one for key, one in shown.items() if key not in TOKENS}
    kept = job.get(BESIDE, {})
    found = merged(kept.get("sent", {}), kept.get("again", {}), spelled(shown))
    spec = found["spec"]
    if not cloud.switch("run.tokens_returned"):
        spec = {key: one for key, one in spec.items() if key not in TOKENS}
    metadata = found["metadata"] | _identity(cloud, job, "jobs")
    metadata["labels"] = metadata.get("labels", {}) | _place(job) | {UPDATED: job["updateTime"]}
    metadata["annotations"] = metadata.get("annotations", {}) | _people(job, job.get("lastModifier", ""))
    if "deleteTime" in job:
        metadata |= {"deletionTimestamp": job["deleteTime"], "finalizers": ["JobFinalizer"]}
    return _document("Job", metadata, spec, job_status(job))


def execution_v1(cloud: Cloud, execution: Document) -> Document:
    """A stored execution in the shape of the v1 API."""
    kept = execution.get(BESIDE, {})
    found = merged(kept.get("sent", {}), kept.get("again", {}), _template_v1(execution))
    metadata = found["metadata"] | _identity(cloud, execution, "executions")
    metadata["labels"] = metadata.get("labels", {}) | _place(execution)
    metadata["annotations"] = metadata.get("annotations", {}) | _people(execution, execution["creator"])
    metadata["ownerReferences"] = [_owner(execution["job"], execution["labels"].get(f"{RUN}jobUid", ""), "Job", OWNER)]
    return _document("Execution", metadata, found["spec"], execution_status(execution))


def tasks_v1(cloud: Cloud, execution: Document) -> list[Document]:
    """The tasks of an execution, which all fare alike here. Names: as gcloud's reference shows them."""
    whole = execution_v1(cloud, execution)
    spec = whole["spec"]["template"]["spec"]
    return [_task(whole, execution, spec, index) for index in range(execution["taskCount"])]


def _task(whole: Document, execution: Document, spec: Document, index: int) -> Document:
    name = f"{whole['metadata']['name']}-task{index}"
    owned = {f"{RUN}execution": whole["metadata"]["name"], f"{RUN}executionUid": execution["uid"]}
    metadata = copy.deepcopy(whole["metadata"]) | {
        "name": name,
        "uid": str(uuid.uuid5(uuid.UUID(execution["uid"]), str(index))),
        "selfLink": whole["metadata"]["selfLink"].rsplit("/", 2)[0] + f"/tasks/{name}",
        "ownerReferences": [_owner(whole["metadata"]["name"], execution["uid"], "Execution", API)],
    }
    metadata["labels"] |= owned | {f"{RUN}taskIndex": str(index)}
    return _document("Task", metadata, copy.deepcopy(spec), task_status(execution, index))


def _document(kind: str, metadata: Document, spec: Document, status: Document) -> Document:
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec, "status": status}


def _identity(cloud: Cloud, thing: Document, kind: str) -> Document:
    project, name = thing["name"].split("/")[1], thing["name"].rsplit("/", 1)[-1]
    number = cloud.number(project)
    return {
        "name": name,
        "namespace": number,
        "selfLink": f"/apis/{API}/namespaces/{number}/{kind}/{name}",
        "uid": thing["uid"],
        "resourceVersion": version_v1(resource_version(thing)),
        "generation": int(thing["generation"]),
        "creationTimestamp": thing["createTime"],
    }


def _place(thing: Document) -> Document:
    return {LOCATION: thing["name"].split("/")[3]}


def _people(thing: Document, modifier: str) -> dict[str, str]:
    said = {CREATOR: thing.get("creator", ""), MODIFIER: modifier}
    said[OPERATION] = thing.get(BESIDE, {}).get(OPERATION, "")
    return picked(said, *said)


def _owner(name: str, uid: str, kind: str, version: str) -> Document:
    found = {"apiVersion": version, "kind": kind, "name": name, "uid": uid}
    return found | {"controller": True, "blockOwnerDeletion": True}


def version_v1(moment: int) -> str:
    """A resourceVersion: the base64 of a moment's microseconds in eight bytes. Source: a recorded job's."""
    return base64.urlsafe_b64encode(moment.to_bytes(8, "big")).decode().rstrip("=")


def moment_of(version: str) -> str:
    """A resourceVersion's microseconds, as refusals name them; the version itself when it holds none."""
    try:
        found = base64.b64decode(version.replace("-", "+").replace("_", "/") + "=" * (-len(version) % 4), validate=True)
    except (binascii.Error, ValueError):
        return version
    return str(int.from_bytes(found, "big")) if len(found) == 8 else version
