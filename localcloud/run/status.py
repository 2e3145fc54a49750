"""What v1 says of how jobs, executions and tasks fare, from the conditions of the v2 documents."""

from __future__ import annotations

from localcloud.calls import Document
from localcloud.run.keeping import picked

STATUS = {"CONDITION_SUCCEEDED": "True", "CONDITION_FAILED": "False"}
COUNTS = ("runningCount", "succeededCount", "failedCount", "cancelledCount", "retriedCount")


def job_status(job: Document) -> Document:
    """Nothing at all while a new job is being made; what was observed last while a changed one is.

    Source: recorded answers to a v1 create and replace.
    """
    found: Document = {}
    condition = job.get("terminalCondition", {})
    if "observedGeneration" in job and "type" in condition:
        found["observedGeneration"] = int(job["observedGeneration"])
        settled = "CONDITION_FAILED" if "reason" in condition else "CONDITION_SUCCEEDED"
        found["conditions"] = [_condition(condition | {"state": settled})]
    found |= {"executionCount": job["executionCount"]} if job.get("executionCount") else {}
    if latest := job.get("latestCreatedExecution"):
        times = {"createTime": "creationTimestamp", "completionTime": "completionTimestamp"}
        times |= {"deleteTime": "deletionTimestamp"}
        found["latestCreatedExecution"] = {times.get(key, key): one for key, one in latest.items()}
    return found


def execution_status(execution: Document) -> Document:
    """Its conditions, times and counts."""
    found = picked(execution, "startTime", "completionTime", "logUri", *COUNTS)
    observed = {"observedGeneration": int(execution.get("observedGeneration") or execution["generation"])}
    return found | observed | {"conditions": [_condition(one) for one in execution.get("conditions", [])]}


def task_status(execution: Document, index: int) -> Document:
    """One task of an execution: it starts and ends with it."""
    found = picked(execution, "startTime", "completionTime")
    kinds = ("Completed", "Started")
    conditions = [_condition(one) for one in execution.get("conditions", []) if one["type"] in kinds]
    found |= {"conditions": conditions, "observedGeneration": 1} | ({"index": index} if index else {})
    if execution.get("succeededCount"):
        found["lastAttemptResult"] = {"status": {}}
    return found


def _condition(given: Document) -> Document:
    found = {"type": given["type"], "status": STATUS.get(given["state"], "Unknown")}
    found |= picked(given, "lastTransitionTime", "message")
    reason = given.get("reason") or given.get("executionReason")
    found |= {"reason": "".join(word.capitalize() for word in reason.split("_"))} if reason else {}
    return found | ({"severity": given["severity"].capitalize()} if given.get("severity") else {})
