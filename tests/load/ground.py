"""Ten sites in five regions and two networks, jobs for them, and what is counted afterwards."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localcloud.access import quotas
from localcloud.calls import Call
from tests.load.workers import PRINCIPAL, PROJECT, Workers
from wayout.cloud.asking import GRPC
from wayout.egress import naming
from wayout.egress.model import JobName, NetworkName, Site

REGIONS = ("europe-west1", "europe-west2", "europe-west3", "us-central1", "us-east1")
NETWORKS = {"alpha": "net-one", "beta": "net-one", "gamma": "net-two"}

_PROFILE = """
  {name}:
    network: {network}
    egress: all-traffic
    destinations:
      - {{to: internet, ports: ["tcp:443"]}}
      - {{to: 10.20.0.0/16, ports: ["tcp:5432"]}}
    pool: [10.8.0.0/20]
    labels: true"""
POLICY = f"""\
version: 1
mode: enforce
projects: [{PROJECT}]
regions: [{", ".join(REGIONS)}]
sites_per_hour: 1000
profiles:{"".join(_PROFILE.format(name=name, network=network) for name, network in NETWORKS.items())}
"""


def site(region: str, profile: str) -> Site:
    """The site of a profile in a region."""
    return Site(NetworkName(PROJECT, NETWORKS[profile]), region, profile)


# In three regions two sites share a network, so a router and a NAT; in two they have one each.
SITES = tuple(
    site(region, profile)
    for number, region in enumerate(REGIONS)
    for profile in ("alpha", "beta" if number < 3 else "gamma")
)


def lay(workers: Workers) -> None:
    """The networks, topics, subscriptions and the sink; and every instance has begun its work."""
    platform = workers.person("platform@example.com")
    platform.make_network("net-one")
    platform.lay_the_ground(network="net-two")
    workers.warm(SITES[0])


def job_of(site: Site, number: int) -> JobName:
    """The `number`-th job of a site."""
    return JobName(PROJECT, site.region, f"job-{site.profile}-{number}")


def deploy(workers: Workers, site: Site, number: int) -> None:
    """Deploy one job, with the label that asks for its site. Does not wait for it."""
    job: Any = {
        "labels": {"wayout": site.profile},
        "template": {"template": {"containers": [{"image": "gcr.io/my-project/my-image"}]}},
    }
    name = job_of(site, number)
    parent = f"projects/{PROJECT}/locations/{site.region}"
    workers.developer.jobs.create_job(parent=parent, job=job, job_id=name.job, **GRPC)


def deploy_all(workers: Workers, sites: Sequence[Site], each: int) -> None:
    """Deploy so many jobs of each site, all at once."""
    with ThreadPoolExecutor(len(sites)) as pool:
        begun = [pool.submit(deploy, workers, site, number) for number in range(each) for site in sites]
        for one in begun:
            one.result()


def attached(world: Mapping[str, Any]) -> dict[str, str]:
    """The connector of each job that has one, both by full name."""
    ways = {name: job["template"]["template"].get("vpcAccess", {}) for name, job in world.get("run.jobs", {}).items()}
    return {name: way["connector"] for name, way in ways.items() if "connector" in way}


def faults_of(world: Mapping[str, Any], sites: Iterable[Site]) -> list[str]:
    """What is there twice, missing or not where it belongs, on the ways of these sites; empty if each has one
    connector, one subnet in one NAT, one rule set, and there is one router for each network and region."""
    sites = list(sites)
    wanted = {
        "vpcaccess.connectors": {str(naming.connector_of(one)) for one in sites},
        "compute.subnetworks": {str(naming.subnet_of(one)) for one in sites},
        "compute.routers": {str(naming.router_of(one.network, one.region)) for one in sites},
    }
    found = [
        f"{kind}: {name} is {'missing' if name in names else 'too much'}"
        for kind, names in wanted.items()
        for name in sorted(names ^ set(world.get(kind, {})))
    ]
    ranges = Counter(document["ipCidrRange"] for document in world.get("compute.subnetworks", {}).values())
    found += [f"the range {text} is given {count} times" for text, count in ranges.items() if count > len(REGIONS)]
    for one in sites:
        found += _faults_of_nat(world, one)
    found += _faults_of_rules(world, sites)
    return found


def _faults_of_nat(world: Mapping[str, Any], site: Site) -> list[str]:
    """A site's subnet is in one NAT: that of the one router of its network and region."""
    subnet = str(naming.subnet_of(site))
    holding = [
        (router, nat["name"])
        for router, document in world.get("compute.routers", {}).items()
        for nat in document.get("nats", ())
        for entry in nat.get("subnetworks", ())
        if entry["name"].endswith(subnet)
    ]
    ours = str(naming.router_of(site.network, site.region))
    return [] if [router for router, _ in holding] == [ours] else [f"the subnet {subnet} is in the NATs {holding}"]


def _faults_of_rules(world: Mapping[str, Any], sites: list[Site]) -> list[str]:
    """Every site has the same roles of rules, and nobody else has any."""
    rules = [name.rsplit("/", 1)[-1] for name in world.get("compute.firewalls", {})]
    ours = [name for name in rules if name.startswith(naming.PREFIX)]
    prefixes = {one: naming.rule_of(one, "").rule for one in sites}
    roles = {one: sorted(name[len(text) :] for name in ours if name.startswith(text)) for one, text in prefixes.items()}
    usual = max(roles.values(), key=len)
    found = [f"{one} has the rules {roles[one]}, others have {usual}" for one in sites if roles[one] != usual]
    strange = [name for name in ours if not name.startswith(tuple(prefixes.values()))]
    return found + [f"the rule {name} is nobody's" for name in strange]


# --- figures ----------------------------------------------------------------------------------------------------------


def per_minute(calls: Iterable[Mapping[str, Any]], who: str = PRINCIPAL) -> dict[tuple[str, str], int]:
    """The most calls that somebody made in one minute of the cloud's clock, by quota and region, refused ones too."""
    counts: Counter[tuple[str, str, int]] = Counter()
    for call in calls:
        asked = Call(call["method"], call["params"])
        quota = quotas._quota(asked)
        if quota and call["principal"] == who:
            region = quotas._region(asked) if quota.regional else ""
            counts[quota.name, region, int(call["at"] // quotas.MINUTE)] += 1
    found: dict[tuple[str, str], int] = {}
    for (quota_name, region, _), count in counts.items():
        found[quota_name, region] = max(found.get((quota_name, region), 0), count)
    return found


def refused(calls: Iterable[Mapping[str, Any]], who: str = PRINCIPAL) -> int:
    """How many calls of somebody were turned away because there were too many."""
    return sum(call["principal"] == who and call["status"] in (403, 429) for call in calls)


def latencies(calls: Iterable[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """When each job was created, and how many seconds of the cloud's clock later it was first attached by us."""
    created: dict[str, float] = {}
    found: dict[str, tuple[float, float]] = {}
    for call in calls:
        params, verb = call["params"], call["method"].rpartition(".")[2]
        if not call["method"].startswith("run.projects.locations.jobs.") or call["status"] != 200:
            continue
        if verb == "create":
            created[f"{params['parent']}/jobs/{params['jobId']}"] = call["at"]
        name = params.get("name", "")
        if verb == "patch" and call["principal"] == PRINCIPAL and name in created and name not in found:
            found[name] = created[name], call["at"] - created[name]
    return found


def percentile(values: Iterable[float], part: float) -> float:
    """The value that `part` (0 to 1) of all do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0
