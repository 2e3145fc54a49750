"""The stories that are told under every value of what we do not know of Google, and how each ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from localcloud import probe as probes
from localcloud.calls import Call, Document
from tests.chaos.packets import ALLOWED, DENIED, Packet
from tests.house import JOBS, NETWORK, POLICY, PRINCIPAL, PROJECT, REGION, SITE, House
from wayout.egress import naming
from wayout.egress.model import NetworkName, Site

HOST = "host-project"
SHARED = Site(NetworkName(HOST, "shared"), REGION, SITE.profile, PROJECT)
OUT = naming.rule_of(SITE, "out-tcp443").rule
ROUTER = naming.router_of(SITE.network, REGION).router
HOURS = 2.0  # Google's text: until a subnet of Direct VPC egress can be deleted
LINE = f"    network: {NETWORK}\n"
Act = Callable[[House], None]

# The site's own rules by what they are for. Bands: control 101-199, allows 200-499, denies 900-989.
ALLOWS = {"out-tcp443": 300, "out-tcp5432": 300, "in-tcp5432": 310}
DENIES = {"deny-in": 950, "deny-out": 950, "deny-out-ipv6": 950}
BY_CONNECTOR = {"control-in": 110, "control-out": 110, "control-health": 110} | ALLOWS | DENIES
BY_INTERFACE = {f"d-{role}": priority for role, priority in (ALLOWS | DENIES).items()}


@dataclass(frozen=True)
class Scenario:
    """One story: what people do, and how it ends. `policy` is what it begins under; the ground is there before."""

    name: str
    because: str
    story: Act
    ends: Act
    policy: str = POLICY


# --- how it ends ------------------------------------------------------------------------------------------------


def tight(*jobs: str, site: Site = SITE) -> Act:
    """Each job is on the site's own connector, behind the site's rules and no other."""

    def ends(house: House) -> None:
        ours = naming.connector_of(site)
        for job in jobs:
            assert house.job(job) == {"connector": str(ours), "egress": "ALL_TRAFFIC"}, said(house)
        [connector] = house.table("vpcaccess.connectors").values()
        assert (connector["name"], connector["state"]) == (str(ours), "READY")
        assert rules_of(house, site) == BY_CONNECTOR
        _whole(house, *jobs)

    return ends


def tight_by_interface(house: House) -> None:
    """The job has an interface of its own in our subnet, with the site's tag."""
    found = house.job("my-job").get("networkInterfaces")
    assert found, said(house)
    assert found[0]["subnetwork"] == str(naming.subnet_of(SITE, "direct"))
    assert found[0]["tags"] == [naming.direct_tag_of(SITE)]
    assert house.table("vpcaccess.connectors") == {}
    assert rules_of(house, SITE) == BY_INTERFACE
    _whole(house, "my-job")


def adopted(house: House) -> None:
    """The job is on somebody else's connector, which is not tightened by us: what is allowed arrives."""
    assert house.job("my-job").get("connector", "").endswith("/connectors/team-out"), said(house)
    assert list(house.table("vpcaccess.connectors")) == ["team-out"]
    assert rules_of(house, SITE) == {}
    told = house.plan("my-job")
    assert (told.status, told.changes) == ("whole", ()), told
    assert set(ALLOWED) <= arriving(house, "my-job")


def gone(house: House) -> None:
    """Nothing of ours is left, and nothing that Google made for what was ours."""
    assert house.table("vpcaccess.connectors") == {}, said(house)
    assert house.table("compute.routers") == {}, said(house)
    assert [name for name in house.table("compute.firewalls") if naming.automatic(name) or "wayout" in name] == []
    assert sorted(house.table("compute.subnetworks")) == ["data", "neighbour"], said(house)


def prepared(house: House) -> None:
    """The site stands with no job on it, and the deployer was told the flags."""
    connector = naming.connector_of(SITE)
    notes = [note for one in house.outcomes() for note in one.notes]
    assert any(f"--vpc-connector={connector} " in note for note in notes), notes
    assert house.table("vpcaccess.connectors")[connector.connector]["state"] == "READY"
    assert rules_of(house, SITE) == BY_CONNECTOR


def _whole(house: House, *jobs: str) -> None:
    """A second plan is empty, and of some packets exactly those arrive that the profile allows."""
    for job in jobs:
        told = house.plan(job)
        assert (told.status, told.changes) == ("whole", ()), told
        assert arriving(house, job) == set(ALLOWED)


def arriving(house: House, job: str) -> set[Packet]:
    """What of some packets arrives, by the local Google Cloud's own probe."""
    with house.cloud.lock:
        return {
            packet
            for packet in (*ALLOWED, *DENIED)
            if probes.probe(house.cloud, f"{JOBS}/{job}", *packet).verdict == "delivered"
        }


def rules_of(house: House, site: Site) -> dict[str, int]:
    """What the site's own rules are for, with their priorities."""
    stem = naming.rule_of(site, "").rule
    found = house.table("compute.firewalls").items()
    return {name.removeprefix(stem): rule["priority"] for name, rule in found if name.startswith(stem)}


def said(house: House) -> str:
    """What was said since the last time, for a failing test's message."""
    return "\n".join(one.model_dump_json(exclude_defaults=True)[:3000] for one in house.outcomes())


# --- what people do ---------------------------------------------------------------------------------------------


def ground(house: House) -> None:
    """Subnets of others, one of which the profile lets jobs reach."""
    house.platform.make_subnet("data", "10.20.0.0/16")
    house.platform.make_subnet("neighbour", "10.21.0.0/16")
    house.settle()


def deploy(house: House, *names: str) -> None:
    for name in names:
        house.developer.deploy(name)
        house.settle()


def _deploys(*names: str) -> Act:
    return lambda house: deploy(house, *names)


def _breaks(house: House) -> None:
    deploy(house, "my-job")
    house.stranger.widen(OUT)
    house.settle()
    house.stranger.delete_nats(ROUTER)
    house.settle()
    rest(house, "DELETE", f"compute/v1/projects/{PROJECT}/global/firewalls/{naming.rule_of(SITE, 'deny-out').rule}")


def _fights(house: House) -> None:
    """Somebody widens a rule again and again: we rest, and say so; the next deploy ends the rest."""
    deploy(house, "my-job")
    house.outcomes()
    for _ in range(4):
        house.stranger.widen(OUT)
        house.settle()
    rested = [one for one in house.outcomes() if one.status == "blocked"]
    assert "somebody@example.com" in rested[-1].blocked[0].why
    assert house.table("compute.firewalls")[OUT]["destinationRanges"] == ["0.0.0.0/0"]
    deploy(house, "my-second-job")


def _untold(house: House) -> None:
    """A job and a change that no event told of; then the sweep comes."""
    deploy(house, "my-job")
    with _silence(house):
        deploy(house, "my-second-job")
        house.stranger.widen(OUT)
    sweep(house)


def _overtakes(house: House) -> None:
    """Somebody deploys the job anew between our look and our write."""
    deploy(house, "my-job")
    with _silence(house):
        house.developer.deploy("my-second-job")
    once = [True]
    invoke = house.cloud.invoke

    def invoked(call: Call) -> Document:
        if once and call.method == "run.projects.locations.jobs.patch" and call.caller.principal == PRINCIPAL:
            once.clear()
            with house.cloud.lock:
                job = house.cloud.table("run.jobs")[f"{JOBS}/my-second-job"]
                job["etag"] = job["etag"].replace("/", "A/", 1)
        return invoke(call)

    vars(house.cloud)["invoke"] = invoked
    house.platform.ask_for("my-second-job", "1")
    house.settle()
    assert not once


def _replaces(house: House) -> None:
    """gcloud's way: the job is read in v1, and written back whole with the label that asks for a way out."""
    house.developer.deploy("my-job", label="")
    house.settle()
    assert house.job("my-job") == {}
    path = f"_svc/{REGION}-run/apis/run.googleapis.com/v1/namespaces/{PROJECT}/jobs/my-job"
    job = rest(house, "GET", path)
    job["metadata"].setdefault("labels", {})["wayout"] = "internet-https"
    rest(house, "PUT", path, job)


def _is_refused(house: House) -> None:
    """The organisation policy wants all traffic through a VPC, and the deploy says nothing of one."""
    house.cloud.switches["run.allowed_vpc_egress"] = ["all-traffic"]
    with pytest.raises(Exception, match=r"allowedVPCEgress|organization policy"):
        house.developer.deploy("my-job")
    house.settle()


def _fails_at_first(house: House) -> None:
    """The first connector does not get healthy."""
    house.admin("faults", {"name": "connector-unhealthy"})
    deploy(house, "my-job")


def _adopts(subnet: bool) -> Act:
    """A connector of somebody else, in a subnet of its own or with a bare range, and a NAT for all subnets."""

    def story(house: House) -> None:
        if subnet:
            house.platform.make_subnet("team-out", "10.8.200.0/28")
            house.settle()
        where = {"subnet": {"name": "team-out"}} if subnet else {"network": NETWORK, "ipCidrRange": "10.8.200.0/28"}
        nat = {
            "name": "all",
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }
        router = {"name": "edge", "network": f"projects/{PROJECT}/global/networks/{NETWORK}", "nats": [nat]}
        rest(house, "POST", f"compute/v1/projects/{PROJECT}/regions/{REGION}/routers", router)
        path = f"_svc/vpcaccess/v1/projects/{PROJECT}/locations/{REGION}/connectors?connectorId=team-out"
        rest(house, "POST", path, where | {"minInstances": 2, "maxInstances": 3})
        deploy(house, "my-job")

    return story


def _moves(road: str) -> Act:
    """The profile changes its road; what is left of the old one is taken down."""

    def story(house: House) -> None:
        deploy(house, "my-job")
        _runs(house)
        house.policy.write_text(_with(f"road: {road}", "idle: remove"), encoding="utf-8")
        sweep(house, 3)
        house.cloud.clock.advance(HOURS * 3600)
        sweep(house, 2)

    return story


def _leaves(house: House) -> None:
    """The site's only job runs once more and is deleted; days go by."""
    deploy(house, "my-job")
    _runs(house)
    rest(house, "DELETE", f"_svc/run/v2/{JOBS}/my-job")
    sweep(house)
    for entry in house.cloud.table("logging.entries").values():
        then = datetime.fromisoformat(entry["timestamp"]) - timedelta(days=3)
        entry["timestamp"] = then.isoformat().replace("+00:00", "Z")
    sweep(house, 3)
    house.cloud.clock.advance(HOURS * 3600)
    sweep(house, 2)


def _runs(house: House) -> None:
    rest(house, "POST", f"_svc/run/v2/{JOBS}/my-job:run", {})


def _shares(house: House) -> None:
    """A job of a service project, in the network of its Shared VPC's host."""
    house.cloud.projects[HOST] = "210987654321"
    house.admin("shared_vpc", {"host": HOST, "service": PROJECT})
    rest(
        house, "POST", f"compute/v1/projects/{HOST}/global/networks", {"name": "shared", "autoCreateSubnetworks": False}
    )
    body = {"name": "data", "network": f"projects/{HOST}/global/networks/shared", "ipCidrRange": "10.20.0.0/16"}
    rest(house, "POST", f"compute/v1/projects/{HOST}/regions/{REGION}/subnetworks", body)
    deploy(house, "my-job")


def sweep(house: House, times: int = 1) -> None:
    for _ in range(times):
        house.platform.sweep()
        house.settle()


@contextmanager
def _silence(house: House) -> Iterator[None]:
    """No log entry of what happens meanwhile arrives anywhere."""
    sinks = house.cloud.table("logging.sinks")
    kept = dict(sinks)
    sinks.clear()
    yield
    house.settle()
    sinks.update(kept)


def rest(house: House, verb: str, path: str, body: Any = None) -> Any:
    """One call of the platform's, and whatever follows from it."""
    headers = {"Authorization": "Bearer platform@example.com"}
    answer = requests.request(verb, f"{house.url}/{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    house.settle()
    with suppress(ValueError):
        return answer.json()
    return None


def _with(*lines: str) -> str:
    return POLICY.replace(LINE, LINE + "".join(f"    {line}\n" for line in lines))


_SHARED = _with("host_writes: true", "connector: {project: service}").replace(
    LINE, f"    network: projects/{HOST}/global/networks/shared\n"
)
_ADOPTING = _with('adopt: {connectors: ["team-*"]}')
_LEAVING = ("idle: remove", "idle_days: 2")

_FOR_ALL = f"{POLICY}rules:\n  - {{profile: internet-https}}\n"

BOTH = tight("my-job", "my-second-job")
SCENARIOS = {
    one.name: one
    for one in (
        Scenario("greenfield", "the main job", _deploys("my-job"), tight("my-job")),
        Scenario("reuse", "a second job of the site", _deploys("my-job", "my-second-job"), BOTH),
        Scenario("heal", "a widened rule, a NAT and a rule that are gone", _breaks, tight("my-job")),
        Scenario("fight", "somebody undoes what we do", _fights, BOTH),
        Scenario("sweep", "no event told of it", _untold, BOTH),
        Scenario("overtaken", "a deploy between our look and our write", _overtakes, BOTH),
        Scenario("replaced", "what gcloud does to a job that is there", _replaces, tight("my-job")),
        Scenario("refused", "a deploy that the organisation policy refuses", _is_refused, prepared, _FOR_ALL),
        Scenario("failing", "a connector that has to be made twice", _fails_at_first, tight("my-job")),
        Scenario("direct", "the other road", _deploys("my-job"), tight_by_interface, _with("road: direct")),
        Scenario("shared-vpc", "two projects", _shares, tight("my-job", site=SHARED), _SHARED),
        Scenario("adoption", "somebody else's connector", _adopts(subnet=True), adopted, _ADOPTING),
        Scenario("adoption-bare", "one with a bare range", _adopts(subnet=False), adopted, _ADOPTING),
        Scenario("to-direct", "the profile changes its road", _moves("direct"), tight_by_interface),
        Scenario("to-connector", "and back", _moves("connector"), tight("my-job"), _with("road: direct")),
        Scenario("farewell", "the last job goes, and its site", _leaves, gone, _with(*_LEAVING)),
        Scenario("farewell-direct", "the same by the other road", _leaves, gone, _with("road: direct", *_LEAVING)),
    )
}
