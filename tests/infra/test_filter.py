"""The sink's filter and the parser know the same entries: what one needs, the other lets through.

The filter is Terraform's own, after an apply; it is judged by the local Google Cloud's filter language.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from localcloud.logs import filter as language
from tests.events import entries
from tests.events.entries import JANE, OUR_AGENT, Entry, by, compute, connector, entry, failed, job_v1, job_v2
from tests.house import PRINCIPAL, PROJECT, House
from tests.infra import deployed
from tests.infra.terraform import StubProvider
from wayout.cloud.events import Ours, SetAside, read

Passes = Callable[[Entry], bool]

IMPERSONATED: dict[str, Any] = {"serviceAccountDelegationInfo": [{"firstPartyPrincipal": {"principalEmail": JANE}}]}
EGRESS_SAYS_NO = failed(9, "Constraint constraints/run.allowedVPCEgress violated for attempting CreateJob")
EGRESS_SAYS_SO_BELOW = failed(9, "denied", "constraints/run.allowedVPCEgress")
OURS = ("wayout-europe-west2-0a1b2c3d-deny-out", "aet-europewest2-wayout--0a1b2c3d-tagfw", "wayout-0a1b2c3d")
VERBS = ("insert", "patch", "update", "delete", "get", "setPrivateIpGoogleAccess", "expandIpCidrRange", "setLabels")
JOB_VERBS = ("CreateJob", "ReplaceJob", "UpdateJob", "DeleteJob", "RunJob", "GetJob", "SetIamPolicy")
CONNECTOR_VERBS = ("CreateConnector", "UpdateConnector", "DeleteConnector", "GetConnector")
TWICE = ("first", "last", "first+last")
KINDS = ("firewalls", "routers", "subnetworks", "networks", "instances", "routes", "firewallPolicies")
PLACES = {"firewalls": "global/firewalls", "routers": "regions/europe-west2/routers"}
# Set aside by the parser although the filter lets them through: what tells them apart is no matter for a filter.
NARROWER = ("that is not of ours", "our own call, refused before it began anything")


@pytest.fixture(scope="module")
def text(stub: StubProvider, tmp_path_factory: pytest.TempPathFactory) -> str:
    applied = deployed.apply("one-project", tmp_path_factory.mktemp("filter"), stub)
    return str(applied.one('google_logging_project_sink.events["acme-apps"]')["filter"])


@pytest.fixture(scope="module")
def us() -> str:
    return "wayout@acme-apps.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def passes(text: str) -> Passes:
    return language.compile(text)


def people(us: str) -> list[dict[str, Any]]:
    return [{}, by(us, OUR_AGENT), by(us, "gcloud/528"), by(JANE, OUR_AGENT), by(us, OUR_AGENT, **IMPERSONATED)]


def every_kind_of_entry(us: str) -> Iterator[Entry]:
    """Each method that the parser might know, and neighbours of it; begun, ended; by whom; failed."""
    ends = [{}, failed(7, "denied"), EGRESS_SAYS_NO, EGRESS_SAYS_SO_BELOW]
    for who, end in product(people(us), ends):
        for verb in JOB_VERBS:
            yield job_v1(verb, **who, **end)
            yield from (job_v2(verb, at=at, **who, **end) for at in TWICE)
        for verb, version, at in product(CONNECTOR_VERBS, ("v1", "v1beta1", "v2"), TWICE):
            yield connector(verb, at=at, version=version, **who, **end)
        for kind, verb, name in product(KINDS, VERBS, (*OURS, "default-allow-ssh", "my-wayout-router")):
            place = PLACES.get(kind, f"regions/europe-west2/{kind}")
            for version, at in product(("v1.", "beta.", ""), ("first", "last", "")):
                yield compute(f"{version}compute.{kind}.{verb}", f"projects/shop/{place}/{name}", at=at, **who, **end)


def test_the_filter_lets_through_exactly_what_the_parser_acts_on(passes: Passes, us: str) -> None:
    seen = {True: 0, False: 0}
    for one in every_kind_of_entry(us):
        reading = read({}, one, ours=Ours(us))
        wanted = not isinstance(reading, SetAside)
        let = passes(one)
        seen[let] += 1
        if wanted or not (isinstance(reading, SetAside) and reading.why.endswith(NARROWER)):
            assert let == wanted, (one["protoPayload"]["methodName"], reading, json.dumps(one))

    assert min(seen.values()) > 500


def test_only_the_activity_log_passes(passes: Passes) -> None:
    echo = job_v1(logName="projects/shop/logs/cloudaudit.googleapis.com%2Fsystem_event")

    assert passes(job_v1())
    assert not passes(echo)


def test_a_connector_that_could_not_be_made_passes_even_if_we_asked_for_it(passes: Passes, us: str) -> None:
    assert passes(connector(at="last", **by(us, OUR_AGENT), **failed(13, "An internal error occurred")))


def test_what_the_doctor_writes_passes(passes: Passes) -> None:
    assert passes({"logName": "projects/shop/logs/wayout-doctor", "jsonPayload": {"echo": "1"}, "severity": "DEFAULT"})


def recorded() -> list[Path]:
    return sorted(path for path in entries.RECORDED.glob("*.json") if "insertId" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
def test_recorded_entries_pass_where_the_parser_wants_them(path: Path, passes: Passes, us: str) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    found = found.get("data", found) if "insertId" not in found else found
    reading = read({}, found, ours=Ours(us))
    if isinstance(reading, SetAside) and reading.why.endswith(NARROWER):
        return

    assert passes(found) == (not isinstance(reading, SetAside)), reading


def test_an_entry_of_another_service_does_not_pass(passes: Passes) -> None:
    assert not passes(entry("storage.googleapis.com", "storage.buckets.create", "projects/_/buckets/one"))


def test_the_whole_house_lives_on_what_the_filter_lets_through(tmp_path: Path, text: str, us: str) -> None:
    with House(tmp_path) as house:
        sink = {"filter": text.replace(us, PRINCIPAL)}
        house.platform._rest("PUT", f"v2/projects/{PROJECT}/sinks/wayout-events?updateMask=filter", sink)
        house.developer.deploy("my-job")
        house.settle()
        assert house.job("my-job")["egress"] == "ALL_TRAFFIC", house.say()
        (router,) = house.platform.routers()
        house.stranger.delete_nats(router["name"])
        house.settle()

        said = house.plan("my-job")
        assert (said.status, said.changes) == ("whole", ())
