"""What an audit log entry names, and what is set aside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.events import entries
from tests.events.entries import JANE, JOB, OUR_AGENT, OURS, by, compute, connector, entry, failed, job_v1, job_v2
from wayout.cloud.events import Names, Ours, Reading, SetAside, Unclear, read
from wayout.egress.model import (
    Cause,
    ConnectorName,
    JobName,
    JobTarget,
    RouterName,
    RuleName,
    SubnetName,
    ThingTarget,
)

US = Ours(OURS)
NIGHTLY = JobName.parse(JOB)
OUR_CONNECTOR = ConnectorName("shop", "europe-west2", "wayout-0a1b2c3d")
OUR_RULE = "projects/shop/global/firewalls/wayout-europe-west2-0a1b2c3d-deny-out"
AUTOMATIC = "projects/shop/global/firewalls/aet-europewest2-wayout--0a1b2c3d-tagfw"
OUR_ROUTER = "projects/shop/regions/europe-west2/routers/wayout-99887766"
OUR_SUBNET = "projects/shop/regions/europe-west2/subnetworks/wayout-0a1b2c3d"
CONNECTORS = "projects/shop/locations/europe-west2/connectors"
IMPERSONATED = {"serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": JANE}}]}
POLICY = "constraints/run.allowedVPCEgress"
POLICY_SAYS_NO = (
    'Constraint constraints/run.allowedVPCEgress violated for attempting CreateJob with annotation "run.googleapis.com/'
    'vpc-access-egress" set to null.'
)


def bare(found: Any) -> Reading:
    return read({}, found, ours=US)


def target_of(reading: Reading) -> Any:
    assert isinstance(reading, Names), reading
    return reading.target


# every recorded entry and envelope, with what it must be read as, and why
RECORDED = [
    ("LogEntryData-bigqueryjobcompleted", SetAside, "BigQuery's jobs are not ours"),
    ("LogEntryData-monitoringCreateTimeSeries", SetAside, "Monitoring is not watched"),
    ("LogEntryData-pubsubCreateTopic", SetAside, "Pub/Sub is not watched"),
    ("MessagePublishedData-binary", Unclear, "four bytes that are no JSON"),
    ("MessagePublishedData-duplicatedFields", Unclear, "both spellings of its fields, the same four bytes"),
    ("MessagePublishedData-text", Unclear, "a text that is no JSON"),
    ("c7n--dns-policy-create", SetAside, "DNS policies are not watched"),
    ("c7n--instance-template-create", SetAside, "a compute method that does not touch what we make"),
    ("c7n--lb-addresses-get", SetAside, "a read, from the data access log"),
    ("c7n--lb-url-maps-get", SetAside, "a read, from the data access log"),
    ("forseti_rte--compute-firewalls-enable-logs-policy", SetAside, "somebody else's rule; its times are all zero"),
    ("forseti_rte--compute-subnetworks-set-private-ip-google-access", SetAside, "somebody else's subnet"),
    ("forseti_rte--gke-cluster-update", SetAside, "Kubernetes is not watched"),
    ("forseti_rte--serviceusage-enable", SetAside, "another service, and its log's name is garbled"),
    ("gcp_securitycenter_samples--createFirewallJson", SetAside, "somebody else's rule"),
    ("gcp_securitycenter_samples--createNetworkJson", SetAside, "networks are not made by us"),
    ("gcp_securitycenter_samples--deleteSubnetworkJson", SetAside, "somebody else's subnet, through the beta API"),
    (
        "gcp_securitycenter_samples--setIamPermissions",
        SetAside,
        "Storage is not watched; its status is an empty object",
    ),
    ("iris3--Publisher.CreateTopic.log_message", SetAside, "Pub/Sub is not watched; its names are templates"),
    ("iris3--compute.instances.insert.log_message", SetAside, "VMs are not ours"),
]


@pytest.mark.parametrize(("name", "kind", "reason"), RECORDED, ids=[row[0] for row in RECORDED])
def test_a_recorded_event_is_read_as_what_it_is(name: str, kind: type, reason: str) -> None:
    recorded = json.loads((entries.RECORDED / f"{name}.json").read_text())

    reading = bare(recorded)

    assert isinstance(reading, kind), f"{reason}: {reading}"
    assert getattr(reading, "id", "") == recorded.get("insertId", "message-id")


def test_no_recorded_event_is_left_out() -> None:
    assert {row[0] for row in RECORDED} == {path.stem for path in entries.RECORDED.glob("*.json")}


JOBS = [
    ("gcloud creates", job_v1("CreateJob"), "create job"),
    ("gcloud updates, as documented", job_v1("ReplaceJob"), "replace job"),
    ("gcloud updates, as seen in production", job_v1("UpdateJob"), "update job"),
    ("gcloud deletes: its site is looked at", job_v1("DeleteJob"), "delete job"),
    ("v1 writes one entry, whatever flags it has", job_v1(operation={"id": "x", "first": True}), "create job"),
    ("a v2 create has ended", job_v2("CreateJob"), "create job"),
    ("a v2 update has ended", job_v2("UpdateJob"), "update job"),
    ("a v2 delete has ended", job_v2("DeleteJob"), "delete job"),
    ("a v2 delete in one entry", job_v2("DeleteJob", at="first+last"), "delete job"),
    (
        "a v2 delete that names its job in the request alone",
        job_v2("DeleteJob", resource={}, payload_resourceName="", payload_request={"name": JOB}),
        "delete job",
    ),
    (
        "a v1 delete whose request holds no job, as there is none any more",
        job_v1("DeleteJob", payload_request={"name": "namespaces/shop/jobs/nightly"}),
        "delete job",
    ),
    ("an entry that is first and last", job_v2(at="first+last"), "create job"),
    ("a v2 entry without an operation's flags", job_v2(at=""), "create job"),
    (
        "the namespace is the project's number",
        job_v1(payload_resourceName="namespaces/123456/jobs/nightly"),
        "create job",
    ),
    (
        "no labels but the project: name and region from the name",
        job_v2(resource={"type": "cloud_run_job", "labels": {"project_id": "shop"}}),
        "create job",
    ),
    (
        "a namespace by number and no labels at all: the project is the log's",
        job_v1(resource={}, payload_resourceName="namespaces/123456/jobs/nightly"),
        "create job",
    ),
    (
        "a v1 entry whose region is only in the request",
        job_v1(resource={"labels": {"project_id": "shop"}}, payload_resourceLocation={"currentLocations": []}),
        "create job",
    ),
    (
        "a v2 create that names only its parent",
        job_v2(
            resource={},
            payload_resourceName="projects/shop/locations/europe-west2",
            payload_request={"parent": "projects/shop/locations/europe-west2", "jobId": "nightly"},
        ),
        "create job",
    ),
]


@pytest.mark.parametrize(("reason", "found", "what"), JOBS, ids=[row[0] for row in JOBS])
def test_a_job_entry_names_its_job(reason: str, found: dict[str, Any], what: str) -> None:
    cause = Cause("1abcdef2g3h4", JANE, what, "2026-11-20T10:11:12.131415Z", "google-cloud-sdk gcloud/528.0.0")

    assert bare(found) == Names(JobTarget(NIGHTLY), cause), reason


TERRAFORM = "HashiCorp Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-google/6.10.0,gzip(gfe)"


@pytest.mark.parametrize(
    ("agent", "kept", "reason"),
    [
        (TERRAFORM, TERRAFORM, "it tells of a source that the job lives in"),
        (f"{TERRAFORM} {'x' * 5000}", f"{TERRAFORM} {'x' * 5000}"[:200], "callers choose its length"),
        (None, "", "entries of Google's own agents have none"),
        (["Terraform/1.9.8"], "", "payloads are not trusted to have the right types"),
    ],
)
def test_the_clients_user_agent_is_part_of_the_cause(agent: object, kept: str, reason: str) -> None:
    reading = bare(job_v2(payload_requestMetadata={"callerSuppliedUserAgent": agent}))

    assert isinstance(reading, Names)
    assert reading.cause.agent == kept, reason


OTHERS = [
    (
        "the automatic rule of a connector of ours",
        compute("v1.compute.firewalls.delete", AUTOMATIC),
        RuleName("shop", "aet-europewest2-wayout--0a1b2c3d-tagfw"),
    ),
    (
        "a rule of ours, through the beta API",
        compute("beta.compute.firewalls.patch", OUR_RULE),
        RuleName.parse(OUR_RULE),
    ),
    ("the console leaves the version out", compute("compute.firewalls.update", OUR_RULE), RuleName.parse(OUR_RULE)),
    ("a router of ours", compute("v1.compute.routers.patch", OUR_ROUTER), RouterName.parse(OUR_ROUTER)),
    (
        "a subnet of ours",
        compute("v1.compute.subnetworks.setPrivateIpGoogleAccess", OUR_SUBNET),
        SubnetName.parse(OUR_SUBNET),
    ),
    (
        "a subnet of ours, widened",
        compute("alpha.compute.subnetworks.expandIpCidrRange", OUR_SUBNET),
        SubnetName.parse(OUR_SUBNET),
    ),
    (
        "an entry without flags is the only one",
        compute("v1.compute.routers.delete", OUR_ROUTER, at=""),
        RouterName.parse(OUR_ROUTER),
    ),
    (
        "fast operations write one entry with both flags",
        compute("v1.compute.firewalls.insert", OUR_RULE, at="first+last"),
        RuleName.parse(OUR_RULE),
    ),
    (
        "the name is a URL",
        compute("v1.compute.routers.patch", f"https://www.googleapis.com/compute/v1/{OUR_ROUTER}"),
        RouterName.parse(OUR_ROUTER),
    ),
    (
        "the project is a number in the name",
        compute("v1.compute.routers.patch", OUR_ROUTER.replace("shop", "123456")),
        RouterName.parse(OUR_ROUTER),
    ),
    (
        "a person with our account's rights",
        compute("v1.compute.firewalls.delete", OUR_RULE, **by(OURS, OUR_AGENT, **IMPERSONATED)),
        RuleName.parse(OUR_RULE),
    ),
    (
        "a person with our account's key and another client",
        compute("v1.compute.firewalls.delete", OUR_RULE, **by(OURS, "google-cloud-sdk gcloud/528.0.0")),
        RuleName.parse(OUR_RULE),
    ),
    (
        "somebody else's account with our client",
        compute("v1.compute.firewalls.delete", OUR_RULE, **by(JANE, OUR_AGENT)),
        RuleName.parse(OUR_RULE),
    ),
    ("a connector has been made", connector(), OUR_CONNECTOR),
    ("a connector has been made, by us", connector(**by(OURS, OUR_AGENT)), OUR_CONNECTOR),
    (
        "a connector could not be made: jobs wait for it",
        connector(**failed(13, "An internal error occurred")),
        OUR_CONNECTOR,
    ),
    ("a connector was refused at once", connector(at="first", **failed(3, "bad")), OUR_CONNECTOR),
    (
        "a connector has been removed, through the beta API",
        connector("DeleteConnector", version="v1beta1"),
        OUR_CONNECTOR,
    ),
    ("a connector has grown", connector("UpdateConnector", at=""), OUR_CONNECTOR),
    (
        "somebody else's connector",
        connector(payload_resourceName=f"{CONNECTORS}/theirs"),
        ConnectorName("shop", "europe-west2", "theirs"),
    ),
    (
        "a connector's name with the project's number",
        connector(payload_resourceName=f"{CONNECTORS.replace('shop', '123456')}/wayout-0a1b2c3d"),
        OUR_CONNECTOR,
    ),
    (
        "a create that names only its parent",
        connector(
            payload_resourceName="projects/shop/locations/europe-west2",
            payload_request={"connectorId": "wayout-0a1b2c3d"},
        ),
        OUR_CONNECTOR,
    ),
]


@pytest.mark.parametrize(("reason", "found", "name"), OTHERS, ids=[row[0] for row in OTHERS])
def test_an_entry_about_a_way_out_names_the_thing(reason: str, found: dict[str, Any], name: Any) -> None:
    assert target_of(bare(found)) == ThingTarget(name), reason


REFUSED = [
    ("gcloud's create", job_v1("CreateJob", **failed(9, POLICY_SAYS_NO))),
    ("gcloud's update", job_v1("ReplaceJob", **failed(9, POLICY_SAYS_NO))),
    ("Terraform's create, refused at once", job_v2("CreateJob", at="", **failed(9, POLICY_SAYS_NO))),
    ("a first entry that failed has no last", job_v2("UpdateJob", at="first", **failed(9, POLICY_SAYS_NO))),
    ("the policy is named in the details only", job_v1("CreateJob", **failed(9, "denied", POLICY))),
    ("another code than the one on record", job_v1("CreateJob", **failed(7, f"denied by {POLICY}"))),
]


@pytest.mark.parametrize(("reason", "found"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_deploy_that_the_egress_policy_refused_prepares_its_site(reason: str, found: dict[str, Any]) -> None:
    assert target_of(bare(found)) == JobTarget(NIGHTLY, refused=True), reason


ASIDE = [
    ("our own attachment", job_v2("UpdateJob", **by(OURS, OUR_AGENT)), "our own change"),
    (
        "our attachment, refused by policy, must not go round",
        job_v2("UpdateJob", **by(OURS, OUR_AGENT), **failed(9, POLICY_SAYS_NO)),
        "our own change",
    ),
    ("our own rule", compute("v1.compute.firewalls.insert", OUR_RULE, **by(OURS, OUR_AGENT)), "our own change"),
    (
        "our own router",
        compute("v1.compute.routers.patch", OUR_ROUTER, **by(OURS, OUR_AGENT, serviceAccountDelegationInfo=[])),
        "our own change",
    ),
    ("a deploy that failed", job_v1("CreateJob", **failed(6, "already exists")), "failed"),
    ("a delete that failed, whatever it says", job_v1("DeleteJob", **failed(9, POLICY_SAYS_NO)), "failed"),
    ("a failed write to a rule", compute("v1.compute.firewalls.delete", OUR_RULE, **failed(7, "no")), "failed"),
    ("failure by severity alone", compute("v1.compute.firewalls.delete", OUR_RULE, severity="ERROR"), "failed"),
    ("a v2 create has only begun", job_v2(at="first"), "last entry"),
    ("a v2 delete has only begun: the job is still there", job_v2("DeleteJob", at="first"), "last entry"),
    ("a connector has only begun", connector(at="first"), "last entry"),
    ("a write to our rule has only begun", compute("v1.compute.firewalls.patch", OUR_RULE, at="first"), "last entry"),
    (
        "somebody else's rule",
        compute("v1.compute.firewalls.insert", "projects/shop/global/firewalls/allow-ssh"),
        "not of ours",
    ),
    (
        "the automatic rule of somebody else's connector",
        compute("v1.compute.firewalls.insert", "projects/shop/global/firewalls/aet-uscentral1-conn-tagfw"),
        "not of ours",
    ),
    (
        "somebody else's router",
        compute("v1.compute.routers.patch", "projects/shop/regions/r1/routers/r"),
        "not of ours",
    ),
    ("a network", compute("v1.compute.networks.delete", "projects/shop/global/networks/n"), "does not touch"),
    (
        "a readiness echo",
        job_v1("CreateJob", logName="projects/shop/logs/cloudaudit.googleapis.com%2Fsystem_event"),
        "echoes",
    ),
    (
        "a readiness echo by its own name",
        entry("run.googleapis.com", "/Jobs.CreateJob", "namespaces/shop/jobs/nightly"),
        "does not change",
    ),
    ("a job is started", entry("run.googleapis.com", "google.cloud.run.v2.Jobs.RunJob", JOB), "does not change"),
    (
        "a service is deployed",
        entry(
            "run.googleapis.com", "google.cloud.run.v2.Services.UpdateService", "projects/shop/locations/r1/services/s"
        ),
        "does not change",
    ),
    (
        "connectors are listed",
        entry("vpcaccess.googleapis.com", "google.cloud.vpcaccess.v1.VpcAccessService.ListConnectors", "projects/shop"),
        "does not change",
    ),
    (
        "a log entry of another kind",
        {"insertId": "a", "logName": "projects/shop/logs/stdout", "textPayload": "hello"},
        "not an audit",
    ),
]


@pytest.mark.parametrize(("reason", "found", "why"), ASIDE, ids=[row[0] for row in ASIDE])
def test_what_is_nothing_to_act_on_is_set_aside(reason: str, found: dict[str, Any], why: str) -> None:
    reading = bare(found)

    assert isinstance(reading, SetAside), f"{reason}: {reading}"
    assert why in reading.why


def test_without_an_account_of_ours_nothing_is_taken_for_our_own_change() -> None:
    assert target_of(read({}, job_v2(**by("", OUR_AGENT)), ours=Ours())) == JobTarget(NIGHTLY)


def test_a_zeroed_time_is_left_out_and_the_event_still_counts() -> None:
    reading = bare(job_v1(timestamp="0000-00-00T00:00:00.000Z", receiveTimestamp="0000-00-00T00:00:00Z"))

    assert isinstance(reading, Names)
    assert reading.cause.when == ""


@pytest.mark.parametrize("log", ["cloudaudit.googleapis.com%2Factivity", "wayout-doctor"])
def test_an_id_that_is_longer_than_google_makes_them_is_cut(log: str) -> None:
    reading = bare(job_v2() | {"logName": f"projects/shop/logs/{log}", "insertId": "x" * 100_000})

    assert len(reading.cause.id if isinstance(reading, Names) else reading.id) == 200


def test_reading_needs_nothing_but_the_standard_library_and_the_pure_room() -> None:
    heavy = "[m for m in sys.modules if m.startswith(('google.', 'grpc', 'pydantic', 'yaml', 'slack_sdk', 'requests'))]"
    script = f"import sys; before = set({heavy}); import wayout.cloud.events; print(set({heavy}) - before)"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "set()"
