"""The Logging query language: what a filter selects, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.logs import filter as logfilter

ENTRY: dict[str, Any] = {
    "logName": "projects/my-project/logs/cloudaudit.googleapis.com%2Factivity",
    "insertId": "-abc1",
    "timestamp": "2026-11-23T09:00:10.5Z",
    "severity": "NOTICE",
    "resource": {"type": "cloud_run_job", "labels": {"job_name": "report", "project_id": "my-project"}},
    "labels": {"compute.googleapis.com/root_trigger_id": "T-1"},
    "operation": {"id": "op", "last": True},
    "protoPayload": {
        "serviceName": "run.googleapis.com",
        "methodName": "google.cloud.run.v2.Jobs.CreateJob",
        "authenticationInfo": {"principalEmail": "ann@example.com"},
        "authorizationInfo": [
            {"permission": "run.jobs.create", "granted": True},
            {"permission": "x", "granted": False},
        ],
        "request": {"priority": "1000", "count": 3, "id": "8736134098923045934", "empty": {}},
        "status": {"code": 7},
    },
}

# filter, whether it selects ENTRY, why this row is here
ROWS = [
    ("", True, "an empty filter selects everything"),
    ("severity=NOTICE", True, "a name of a severity"),
    ("severity>=WARNING", False, "severities have an order that is not the alphabet's"),
    ("severity>INFO", True, "the same the other way round"),
    ("severity<500", True, "severities as numbers"),
    ("severity=notice", True, "values are compared without regard to case"),
    ('log_id("cloudaudit.googleapis.com/activity")', True, "log_id undoes the percent-encoding"),
    ('log_id("cloudaudit.googleapis.com/system_event")', False, "another log"),
    ('logName:"cloudaudit.googleapis.com%2Factivity"', True, ": looks for a part"),
    ('log_name:"ACTIVITY"', True, "names of the proto work, and parts are compared without regard to case"),
    ('logName:("projects/a/" OR "projects/my-project/")', True, "a field against several values"),
    ('resource.type=("a" OR "b")', False, "none of several values"),
    ('protoPayload.methodName=~"^google\\.cloud\\.run\\.v[12]\\.Jobs\\.(CreateJob|ReplaceJob)$"', True, "a regex"),
    ('protoPayload.methodName=~"createjob"', False, "a regular expression has regard to case"),
    ('protoPayload.methodName!~"Delete"', True, "no match"),
    ("protoPayload.status.code>0", True, "numbers"),
    ("NOT protoPayload.status.code>0", False, "NOT"),
    ("-protoPayload.status.code>0", False, "- is NOT"),
    ("protoPayload.nothing.code>0", False, "a missing field of a payload compares as false"),
    ("protoPayload.nothing!=5", False, "also with !="),
    ("NOT protoPayload.nothing=5", True, "which NOT turns round"),
    ("operation.first=true", False, "a missing field of the LogEntry has its default"),
    ("operation.first=false", True, "which is false for a bool"),
    ("operation.last=true", True, "a bool"),
    ('trace=""', True, "the default of a string"),
    ("protoPayload.request.priority=1000", True, "a number that the entry holds as text"),
    ("protoPayload.request.priority>999.5", True, "compared as a number"),
    ("protoPayload.request.id=8736134098923045935", False, "ids have more digits than a float holds"),
    ("protoPayload.authorizationInfo.granted=false", True, "lists are looked through"),
    ('labels."compute.googleapis.com/root_trigger_id"="T-1"', True, "a quoted part of a name"),
    ('timestamp>="2026-11-23T09:00:10+0000"', True, "times, with an offset without a colon as the client sends it"),
    ('timestamp<"2026-11-23"', False, "a date is its first moment"),
    ("protoPayload.status:*", True, "presence"),
    ("protoPayload.request.empty:*", True, "an empty map is present"),
    ("operation.first:*", False, "a default is not presence"),
    ("ann@example.com", True, "a bare word is looked for everywhere"),
    ('"Ann@Example"', True, "so is a quoted one"),
    ("nobody@example.com", False, "and not found"),
    ("severity=ERROR OR severity=NOTICE severity=ERROR", False, "OR binds tighter than AND"),
    ("severity=ERROR AND severity=ERROR OR severity=NOTICE", False, "also with AND written out"),
    ("(severity=ERROR AND severity=ERROR) OR severity=NOTICE", True, "parentheses decide otherwise"),
    ("NOT severity=ERROR OR severity=ERROR", True, "NOT binds tighter than OR"),
    ("severity=NOTICE -- AND severity=ERROR\n-- a comment\nresource.type=cloud_run_job", True, "comments"),
    ('protoPayload.methodName="a \\"quoted\\" text"', False, "escapes in a string"),
]


@pytest.mark.parametrize(("text", "selected", "why"), ROWS, ids=[row[2] for row in ROWS])
def test_a_filter_selects_what_google_says_it_does(text: str, selected: bool, why: str) -> None:
    assert logfilter.compile(text)(ENTRY) is selected, why


WRONG = [
    ("(severity=ERROR", "missing ')'", 15, "parentheses must match"),
    ("severity=ERROR)", "syntax error", 14, "also the other way round"),
    ('textPayload="abc', "a string that does not end", 12, "quotes must match"),
    ("severity=", "syntax error", 9, "a comparison needs a value"),
    ("severity=LOUD", "'LOUD' is no severity", 9, "severities are known"),
    ("severity=ERROR OR", "syntax error", 17, "OR needs a right side"),
    ("nosuchfield=1", "Field not found: 'nosuchfield'", 0, "LogEntry has no such field"),
    ("resource.nosuch=1", "Field not found: 'resource.nosuch'", 0, "nor has the monitored resource"),
    ('textPayload=~"("', "invalid regular expression", 13, "a pattern that does not compile"),
    ('timestamp>"yesterday"', "is no time", 10, "times are RFC 3339"),
    ('sample("x")', "unknown function sample", 0, "what is not served is refused, not ignored"),
    ("(" * 100, "nested deeper", 0, "no filter exhausts the stack"),
    ("insertId = abc:def", "syntax error", 14, "Google's own example of what needs quotes"),
]


@pytest.mark.parametrize(("text", "problem", "position", "why"), WRONG, ids=[row[3] for row in WRONG])
def test_a_wrong_filter_is_refused_with_where_it_is_wrong(text: str, problem: str, position: int, why: str) -> None:
    with pytest.raises(logfilter.FilterError, match=r"line 1, column \d+") as caught:
        logfilter.compile(text)
    assert problem in str(caught.value), why
    assert caught.value.position >= position if text.startswith("((") else caught.value.position == position


INTAKE = r"""
log_id("cloudaudit.googleapis.com/activity")
severity<ERROR
(operation.last=true OR NOT operation.first=true)
(
  (protoPayload.serviceName="run.googleapis.com"
   AND protoPayload.methodName=~"^google\.cloud\.run\.v[12]\.Jobs\.(CreateJob|ReplaceJob|UpdateJob)$"
   AND NOT protoPayload.authenticationInfo.principalEmail="runtime@p.iam.gserviceaccount.com")
  OR (protoPayload.serviceName="vpcaccess.googleapis.com"
   AND protoPayload.methodName=~"^google\.cloud\.vpcaccess\.v1(beta1)?\.VpcAccessService\.(Create|Delete)Connector$")
  OR (protoPayload.serviceName="compute.googleapis.com"
   AND protoPayload.methodName=~"^((v1|beta|alpha)\.)?compute\.(firewalls|routers)\.(insert|patch|update|delete)$")
)
"""
CREATE = "google.cloud.vpcaccess.v1.VpcAccessService.CreateConnector"
RUN, VPC, COMPUTE = "run.googleapis.com", "vpcaccess.googleapis.com", "compute.googleapis.com"
EVENTS = [
    ((RUN, "google.cloud.run.v1.Jobs.ReplaceJob"), {}, True, "gcloud's method, without an operation"),
    ((RUN, "google.cloud.run.v1.Jobs.DeleteJob"), {}, False, "not among the methods"),
    ((RUN, "google.cloud.run.v2.Jobs.CreateJob"), {"operation": {"id": "1", "first": True}}, False, "only begun"),
    ((RUN, "google.cloud.run.v2.Jobs.CreateJob"), {"operation": {"id": "1", "last": True}}, True, "finished"),
    ((RUN, "google.cloud.run.v2.Jobs.CreateJob"), {"severity": "ERROR"}, False, "failed"),
    ((RUN, "google.cloud.run.v2.Jobs.UpdateJob"), {"who": "runtime@p.iam.gserviceaccount.com"}, False, "ourselves"),
    ((VPC, CREATE), {"operation": {"id": "1", "last": True}, "who": "runtime@p.iam.gserviceaccount.com"}, True, "ours"),
    (
        (COMPUTE, "beta.compute.routers.patch"),
        {"operation": {"id": "1", "first": True, "last": True}},
        True,
        "one entry",
    ),
    ((COMPUTE, "v1.compute.instances.insert"), {}, False, "another resource"),
]


@pytest.mark.parametrize(("method", "extra", "selected", "why"), EVENTS, ids=[row[3] for row in EVENTS])
def test_the_intake_filter_selects_finished_changes_only(
    method: tuple[str, str], extra: dict[str, Any], selected: bool, why: str
) -> None:
    entry = {**ENTRY, "protoPayload": {"serviceName": method[0], "methodName": method[1]}}
    del entry["operation"]
    entry["protoPayload"]["authenticationInfo"] = {"principalEmail": extra.pop("who", "ann@example.com")}
    assert logfilter.compile(INTAKE)({**entry, **extra}) is selected, why
