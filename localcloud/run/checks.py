"""What Cloud Run refuses in a job. Texts: as quoted in public reports; where none is known, in their style."""

from __future__ import annotations

import re
from typing import Any

from localcloud.access import admission
from localcloud.calls import Call, Document, project_of
from localcloud.core import Cloud
from localcloud.errors import DENIED, INVALID, PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.run.words import Words

JOB_ID = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
RESERVED = ("run.googleapis.com/", "cloud.googleapis.com/", "serving.knative.dev/", "autoscaling.knative.dev/")
EGRESS = {"ALL_TRAFFIC": "all-traffic", "PRIVATE_RANGES_ONLY": "private-ranges-only"}


def check_new(job_id: str, body: Document) -> None:
    """What only new jobs must keep to: the name, and whose annotations they may carry."""
    if not JOB_ID.fullmatch(job_id):
        raise ApiError(INVALID, f"Violation in CreateJobRequest.job_id: '{job_id}' is not a valid job id.")
    for kind in ("labels", "annotations"):
        for key in body.get(kind, {}):
            if key.startswith(RESERVED):
                message = f"Violation in CreateJobRequest.job.{kind}: '{key}' is in a namespace of the system."
                raise ApiError(INVALID, message)


def check_job(cloud: Cloud, call: Call, words: Words, job: Document, region: str) -> None:
    """Everything that any write of a job must keep to, in the words of one API version; `job` has its defaults."""
    task = job["template"]["template"]
    containers = task.get("containers", [])
    if not containers:
        raise words.wrong("containers", "at least one container must be set.")
    for index, container in enumerate(containers):
        if not container.get("image"):
            raise words.wrong(f"containers[{index}].image", "must be set.")
    _check_acts_as(cloud, call, task["serviceAccount"])
    _check_policy(cloud, call, words.verb, task.get("vpcAccess", {}))
    if "vpcAccess" in task:
        _check_vpc(cloud, words, task["vpcAccess"], region)


def _check_acts_as(cloud: Cloud, call: Call, account: str) -> None:
    """Asked at every write, even of a job whose account stays the same."""
    project = cloud.project_id(project_of(call) or "")
    if admission.may_act_as(cloud, call.caller.principal, account, project):
        return
    raise ApiError(
        DENIED, f"Permission 'iam.serviceaccounts.actAs' denied on service account {account} (or it may not exist)."
    )


def _check_policy(cloud: Cloud, call: Call, verb: str, vpc: Document) -> None:
    """The switch `run.allowed_vpc_egress` lists what is allowed: everywhere, or in a mapping by project id."""
    allowed: Any = cloud.switch("run.allowed_vpc_egress")
    if isinstance(allowed, dict):
        allowed = allowed.get(cloud.project_id(project_of(call) or ""))
    if allowed is None:
        return
    word = EGRESS.get(vpc.get("egress", ""))
    if word is None or word not in {EGRESS.get(one, one) for one in allowed}:
        raise _policy_refusal(cloud, verb, word or "null")


def _policy_refusal(cloud: Cloud, verb: str, word: str) -> ApiError:
    """One form is quoted in public reports (`message`); the others are how other services speak of such policies."""
    policy = "constraints/run.allowedVPCEgress"
    violated = f'attempting {verb} with annotation "run.googleapis.com/vpc-access-egress" set to {word}.'
    form = cloud.switch("run.egress_refusal")
    if form == "denied":
        return ApiError(DENIED, f'Operation denied by org policy: ["{policy}": "{violated}"].')
    if form == "details":
        violation = {"type": policy, "subject": "run.googleapis.com", "description": violated}
        kind = "type.googleapis.com/google.rpc.PreconditionFailure"
        message = "The request was denied by an organization policy."
        return ApiError(PRECONDITION, message, details=[{"@type": kind, "violations": [violation]}])
    return ApiError(PRECONDITION, f"Constraint {policy} violated for {violated}")


def _check_vpc(cloud: Cloud, words: Words, vpc: Document, region: str) -> None:
    connector, interfaces = vpc.get("connector", ""), vpc.get("networkInterfaces", [])
    if bool(connector) == bool(interfaces):
        message = "one and only one of connector and network_interfaces must be set."
        raise words.wrong("vpc_access.connector", message)
    if len(interfaces) > 1:
        raise words.wrong("vpc_access.network_interfaces", "only a single network interface is supported.")
    if connector and cloud.switch("run.checks_connector") and not _usable(cloud, connector, region):
        message = f"VPC connector {connector} does not exist, or Cloud Run does not have permission to use it."
        raise ApiError(INVALID, message)


def _usable(cloud: Cloud, connector: str, region: str) -> bool:
    try:
        project, location, id_ = parts(cloud, connector, "connectors")
    except ApiError:
        return False
    if (project, "vpcaccess.googleapis.com") in cloud.disabled:
        return False
    name = joined(project, location, id_, kinds=("connectors",))
    found: Any = cloud.table("vpcaccess.connectors").get(name, {})
    return location == region and found.get("state") in ("READY", "UPDATING")
