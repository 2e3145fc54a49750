"""A job that has a way of its own already: what works is left alone and told of, and nothing is claimed unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.egress.world import World, automatic_rules
from tests.egress.worlds import INTERNET, NETWORK, OURS, PROJECT, REGION, SITE, greenfield, job, job_name, policy
from wayout import reconcile
from wayout.egress import naming, report
from wayout.egress.model import (
    Cause,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Coverage,
    Egress,
    Interface,
    JobTarget,
    Nat,
    Network,
    NetworkName,
    Router,
    RouterName,
    RoutersOf,
    State,
    Subnet,
    SubnetName,
    Unreadable,
    Way,
)

JANE = Cause("1", "jane@example.com", "deployed")
HUB, LEGACY = NetworkName("hostp", "shared"), NetworkName(PROJECT, "legacy")
AFAR = ConnectorName("hostp", REGION, "theirs")
NEAR = ConnectorName(PROJECT, REGION, "theirs")
NUMBER = "123456789012"
ATTACHED = Way(Egress.ALL, OURS)
HIDDEN = Unreadable("vpcaccess.connectors.list is missing", "grant vpcaccess.connectors.list on hostp")

Lay = Callable[[World], Any]


def connector(name: ConnectorName, network: NetworkName, state: State = State.READY, *, nat: bool = True) -> Lay:
    """A connector of others in a subnet of its own, with a Cloud NAT for all its network's subnets."""
    under = Subnet(
        SubnetName(network.project, name.region, f"{name.connector}-{network.network}"), network, "10.9.0.0/28"
    )
    router = Router(
        RouterName(network.project, name.region, f"edge-{network.network}"), network, (Nat("all", Coverage.ALL),)
    )

    def lay(world: World) -> None:
        world.add(Network(network), under, Connector(name, network, state, subnet=under.name))
        if nat:
            world.add(router)

    return lay


def subnet(name: str, range_: str, network: NetworkName = NETWORK, region: str = REGION) -> Lay:
    made = Subnet(SubnetName(network.project, region, name), network, range_)
    return lambda world: world.add(Network(network), made)


def interface(name: str, network: str = str(NETWORK), region: str = REGION) -> Way:
    return Way(Egress.PRIVATE, interface=Interface(network, str(SubnetName(PROJECT, region, name))))


def several(*steps: Lay) -> Lay:
    def lay(world: World) -> None:
        for step in steps:
            step(world)

    return lay


def numbered(world: World) -> None:
    world.numbers[NUMBER] = "hostp"


def hidden(project: str, read: Any = None) -> Lay:
    return lambda world: world.hidden.update({read or ConnectorsIn(project, REGION): HIDDEN})


def nothing(world: World) -> None:
    pass


def told(world: World) -> tuple[str, str]:
    """The status of a reconcile of the job, and everything that is said of it."""
    said = reconcile.job(JobTarget(job_name()), JANE, world).said
    return said.status, "\n".join(report.lines(said))


BY_NUMBER = replace(AFAR, project=NUMBER)

# (why, the way that the job has, what is there, the status, what is said)
LEFT: list[tuple[str, Way, Lay, str, str]] = [
    (
        "one of its own project that works",
        Way(Egress.ALL, NEAR),
        connector(NEAR, NETWORK),
        "whole",
        "nightly uses the connector theirs, not ours; it is left on it",
    ),
    (
        "one of another project that works and leads into the network that its profile means",
        Way(Egress.ALL, AFAR),
        connector(AFAR, NETWORK),
        "whole",
        "nightly uses the connector theirs, not ours; it is left on it",
    ),
    (
        "the same under that project's number",
        Way(Egress.ALL, BY_NUMBER),
        several(numbered, connector(AFAR, NETWORK)),
        "whole",
        "nightly uses the connector theirs, not ours; it is left on it",
    ),
    (
        "one of another project and in another network",
        Way(Egress.ALL, AFAR),
        connector(AFAR, HUB),
        "blocked",
        (
            "it is left on it: that leads into the network projects/hostp/global/networks/shared, and its profile web "
            "into projects/shop/global/networks/default → if that is meant, exempt the job or give it a profile of "
            "that network; or take it off, and it is attached to ours: gcloud run jobs update nightly --project=shop "
            "--region=europe-west2 --clear-vpc-connector"
        ),
    ),
    (
        "one in another network of its own project, from which nothing leads out",
        Way(Egress.ALL, NEAR),
        connector(NEAR, LEGACY, nat=False),
        "blocked",
        "that leads into the network legacy, and its profile web into default",
    ),
    (
        "all traffic, and no NAT",
        Way(Egress.ALL, NEAR),
        connector(NEAR, NETWORK, nat=False),
        "blocked",
        (
            "all its traffic goes through the connector theirs, which no Cloud NAT covers: the internet is out of its "
            "reach → let a Cloud NAT cover it; or take it off"
        ),
    ),
    (
        "a project in which we may not look: the permission, and no word of what is there",
        Way(Egress.ALL, AFAR),
        hidden("hostp"),
        "blocked",
        (
            "not ours, and whether that works cannot be known: vpcaccess.connectors.list is missing "
            "→ grant vpcaccess.connectors.list on hostp"
        ),
    ),
    (
        "a number that nobody can tell the project of",
        Way(Egress.ALL, BY_NUMBER),
        hidden(NUMBER),
        "blocked",
        "whether that works cannot be known",
    ),
    (
        "routers that cannot be read: whether it leads out is not known",
        Way(Egress.ALL, NEAR),
        several(connector(NEAR, NETWORK), hidden("", RoutersOf(NETWORK, REGION))),
        "blocked",
        "whether that works cannot be known",
    ),
    (
        "an interface in a network that its profile does not mean",
        interface("apps", str(LEGACY)),
        subnet("apps", "10.20.0.0/24", LEGACY),
        "blocked",
        "nightly uses Direct VPC egress in apps, not ours; it is left on it: that leads into the network legacy",
    ),
    (
        "an interface that names no network, in a subnet that is not where we look",
        interface("apps", ""),
        subnet("apps", "10.20.0.0/24", LEGACY),
        "blocked",
        "names the subnet apps and no network, and which one that is is not known → name the network in the job",
    ),
]


@pytest.mark.parametrize(("reason", "way", "lay", "status", "said"), LEFT, ids=[row[0] for row in LEFT])
def test_a_job_is_left_on_a_way_of_its_own_and_nothing_is_built_for_it(
    reason: str, way: Way, lay: Lay, status: str, said: str
) -> None:
    world = greenfield(None, job(way=way))
    lay(world)
    found, words = told(world)
    assert (found, world.jobs[job_name()].way, world.applied) == (status, way, []), words
    assert said in words, words
    assert "does not exist" not in words
    assert "→ connector wayout" not in words, "no picture of a way that nobody made"


# (why, the way that the job has, what is there, what is said of it)
REPLACED: list[tuple[str, Way, Lay, str]] = [
    (
        "one of another project that is gone, and that was looked for there",
        Way(Egress.ALL, AFAR),
        nothing,
        "it names the connector projects/hostp/locations/europe-west2/connectors/theirs, which does not exist",
    ),
    (
        "one of another project that failed",
        Way(Egress.ALL, AFAR),
        connector(AFAR, HUB, State.ERROR),
        "it names the connector projects/hostp/locations/europe-west2/connectors/theirs, which is ERROR",
    ),
    (
        "one under the number of a project that has none of that name, while ours has",
        Way(Egress.ALL, BY_NUMBER),
        several(numbered, connector(NEAR, NETWORK)),
        f"it names the connector projects/{NUMBER}/locations/europe-west2/connectors/theirs, which does not exist",
    ),
    (
        "one in another region",
        Way(Egress.ALL, replace(NEAR, region="us-central1")),
        connector(replace(NEAR, region="us-central1"), NETWORK),
        "which is in another region, and its profile web takes connector wayout-",
    ),
    (
        "an interface in a subnet that is too small",
        interface("apps"),
        subnet("apps", "10.20.0.0/28"),
        "its network interface names the subnet apps, which is smaller than a /26, and its profile web takes connector",
    ),
    (
        "an interface in a subnet of another region",
        interface("apps", region="us-central1"),
        subnet("apps", "10.20.0.0/24", region="us-central1"),
        "its network interface names the subnet apps, which is in another region, and its profile web takes connector",
    ),
]


@pytest.mark.parametrize(("reason", "way", "lay", "said"), REPLACED, ids=[row[0] for row in REPLACED])
def test_a_way_that_does_not_work_is_replaced_with_what_was_seen_of_it(
    reason: str, way: Way, lay: Lay, said: str
) -> None:
    world = greenfield(None, job(way=way))
    lay(world)
    status, words = told(world)
    assert (status, world.jobs[job_name()].way) == ("whole", ATTACHED), words
    assert said in words, words


def test_a_job_whose_connector_cannot_be_seen_is_in_nobodys_way() -> None:
    world = greenfield(None, job(way=Way(Egress.ALL, AFAR)), job("second"))
    hidden("hostp")(world)
    ending = reconcile.whole_site(SITE, JANE, world)
    assert ending
    assert [block.what for block in ending.said.blocked] == ["job nightly"]
    assert world.jobs[job_name("second")].way == ATTACHED


def test_another_project_is_looked_at_only_where_a_job_names_a_connector_of_it() -> None:
    plain, world = greenfield(), greenfield(None, job(way=Way(Egress.ALL, AFAR)))
    connector(AFAR, NETWORK)(world)
    told(plain)
    told(world)
    assert {read for read in plain.looks if isinstance(read, ConnectorsIn)} == {ConnectorsIn(PROJECT, REGION)}
    assert world.looks.count(ConnectorsIn("hostp", REGION)) == 1
    assert len(world.looks) == len(set(world.looks))


def test_a_site_all_of_whose_jobs_have_ways_of_their_own_is_idle() -> None:
    world = greenfield(policy({"idle": "remove"}))
    told(world)
    connector(NEAR, NETWORK)(world)
    world.add(replace(world.jobs[job_name()], way=Way(Egress.ALL, NEAR), etag=""))
    world.idle_days[SITE] = 8
    reconcile.whole_site(SITE, JANE, world)
    assert OURS not in world.connectors
    assert told(world)[0] == "whole"
    assert OURS not in world.connectors, "and it is not made again"


# --- evidence ------------------------------------------------------------------------------------------------------

# (why, the connector that a job without a rule names, what is there, whether it speaks for a need, what is said)
EVIDENCE: list[tuple[str, ConnectorName, Lay, str, str]] = [
    (
        "it is there under the number",
        BY_NUMBER,
        several(numbered, connector(AFAR, HUB)),
        "unneeded",
        "its own way works",
    ),
    ("nobody can tell", BY_NUMBER, hidden(NUMBER), "unneeded", "whether its own way works cannot be seen"),
    ("it was looked for", BY_NUMBER, numbered, "blocked", "which does not exist"),
    ("another of that name in the job's own project is not it", BY_NUMBER, connector(NEAR, NETWORK), "blocked", NUMBER),
]


@pytest.mark.parametrize(("reason", "named", "lay", "status", "said"), EVIDENCE, ids=[row[0] for row in EVIDENCE])
def test_a_number_of_another_project_is_no_name_for_the_jobs_own(
    reason: str, named: ConnectorName, lay: Lay, status: str, said: str
) -> None:
    world = greenfield(policy(rules=[]), job(way=Way(Egress.ALL, named)))
    lay(world)
    found, words = told(world)
    assert (found, said in words) == (status, True), words


# --- proof ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "status", "said"),
    [
        (True, "blocked", "would cut tcp:5432 to 10.20.0.2 for nightly, which its profile allows and it reaches now"),
        (False, "whole", "nightly has been attached"),
    ],
    ids=["a database in the network that it leaves", "nothing in the network that it leaves"],
)
def test_a_move_to_another_network_is_judged_by_what_the_old_one_reaches(there: bool, status: str, said: str) -> None:
    private = {"egress": "private-ranges-only", "destinations": [{"to": "10.20.0.0/24", "ports": ["tcp:5432"]}]}
    site = replace(SITE, network=LEGACY)
    was = Way(Egress.PRIVATE, naming.connector_of(site))
    world = World(policy(private | {"google_apis": "none"})).add(Network(NETWORK), INTERNET, job(way=was))
    under = Subnet(naming.subnet_of(site), LEGACY, "10.9.0.0/28")
    made = Connector(naming.connector_of(site), LEGACY, State.READY, subnet=under.name)
    world.add(Network(LEGACY), under, made, *automatic_rules(made, under.range))
    if there:
        subnet("db", "10.20.0.0/24", LEGACY)(world)
    found, words = told(world)
    assert (found, said in words) == (status, True), words
