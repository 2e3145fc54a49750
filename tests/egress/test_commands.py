"""The gcloud command for each change: as a network engineer would type it, and as gcloud itself takes it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.cloud.local import nothing
from tests.cloud.local import settings as settings_of
from tests.egress.world import World
from tests.egress.worlds import Damage, damages, look_and_plan, run, worlds
from tests.test_gcloud import GCLOUD, Shell
from wayout.cloud.clients import Clients
from wayout.cloud.observe import look
from wayout.egress import commands
from wayout.egress.model import (
    Action,
    Attach,
    Change,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Coverage,
    Create,
    Direction,
    Egress,
    FirewallRule,
    Interface,
    Job,
    JobAt,
    JobName,
    Nat,
    Network,
    NetworkAt,
    NetworkName,
    Present,
    Read,
    Remove,
    Router,
    RouterName,
    RoutersOf,
    RuleName,
    RulesOf,
    State,
    Subnet,
    SubnetName,
    SubnetsOf,
    Traffic,
    Update,
    Way,
)

REGION = "europe-west2"
NETWORK = Network(NetworkName("host", "net"), description="Wayout: it's ours")
SUBNET = Subnet(SubnetName("host", REGION, "small"), NETWORK.name, "10.8.0.0/28", google_access=True)
WIDE = Subnet(SubnetName("host", REGION, "wide"), NETWORK.name, "10.9.0.0/26")
RULE = FirewallRule(
    RuleName("host", "deny-out"),
    NETWORK.name,
    Direction.EGRESS,
    Action.DENY,
    950,
    (Traffic("all"),),
    destinations=("0.0.0.0/0",),
    target_tags=("vpc-connector-europe-west2-conn",),
    logged=True,
)
INTO = FirewallRule(
    RuleName("host", "in"),
    NETWORK.name,
    Direction.INGRESS,
    Action.ALLOW,
    310,
    (Traffic("icmp"), Traffic("tcp", ("443", "8080-8090"))),
    sources=("10.8.0.0/28",),
    destinations=("10.20.0.0/16", "10.30.0.0/16"),
)
CONNECTOR = Connector(ConnectorName("host", REGION, "conn"), NETWORK.name, State.CREATING, SUBNET.name)
NAT = Nat("wayout", subnets=(SUBNET.name,), min_ports=1024, dynamic_ports=True, logged=True)
ROUTER = Router(RouterName("host", REGION, "router"), NETWORK.name, (NAT,), "Wayout: out")
JOB = JobName("host", REGION, "nightly")
BY_CONNECTOR = Way(Egress.ALL, CONNECTOR.name)
DIRECT = Way(Egress.ALL, interface=Interface(str(NETWORK.name), str(WIDE.name), ("wayout-web",)))
PLACE = "--project=host --region=europe-west2"
NATS = "gcloud compute routers nats"
UPDATE_JOB = f"gcloud run jobs update nightly {PLACE}"
ON_CONNECTOR = f"--vpc-connector={CONNECTOR.name}"
ON_SUBNET = f"--network={NETWORK.name} --subnet={WIDE.name} --network-tags=wayout-web"


def nats(*found: Nat) -> Router:
    return replace(ROUTER, nats=found)


# (why it is here, the change, the command)
TABLE: list[tuple[str, Change, str]] = [
    (
        "a description is quoted for the shell",
        Create(NETWORK, ""),
        (
            "gcloud compute networks create net --project=host --subnet-mode=custom "
            """'--description=Wayout: it'"'"'s ours'"""
        ),
    ),
    (
        "a connector's /28, with Private Google Access",
        Create(SUBNET, ""),
        (
            f"gcloud compute networks subnets create small {PLACE} --network=net --range=10.8.0.0/28 "
            "--enable-private-ip-google-access"
        ),
    ),
    (
        "somebody has switched Private Google Access off",
        Update(SUBNET, replace(SUBNET, google_access=False), ""),
        f"gcloud compute networks subnets update small {PLACE} --enable-private-ip-google-access",
    ),
    (
        "a deny is created by --action and --rules",
        Create(RULE, ""),
        (
            "gcloud compute firewall-rules create deny-out --project=host --network=net --direction=EGRESS "
            "--action=DENY --priority=950 --rules=all --destination-ranges=0.0.0.0/0 "
            "--target-tags=vpc-connector-europe-west2-conn --enable-logging"
        ),
    ),
    (
        "protocols with ports, and those that have none",
        Create(INTO, ""),
        (
            "gcloud compute firewall-rules create in --project=host --network=net --direction=INGRESS --action=ALLOW "
            "--priority=310 --rules=icmp,tcp:443,tcp:8080-8090 --source-ranges=10.8.0.0/28 "
            "--destination-ranges=10.20.0.0/16,10.30.0.0/16"
        ),
    ),
    (
        "only what differs is updated; what somebody added is emptied",
        Update(INTO, replace(INTO, source_tags=("theirs",), priority=1), ""),
        "gcloud compute firewall-rules update in --project=host --priority=310 --source-tags=",
    ),
    (
        "a rule is disabled",
        Update(replace(INTO, disabled=True), INTO, ""),
        "gcloud compute firewall-rules update in --project=host --disabled",
    ),
    (
        "a rule is enabled again and no longer logged",
        Update(INTO, replace(INTO, disabled=True, logged=True), ""),
        "gcloud compute firewall-rules update in --project=host --no-enable-logging --no-disabled",
    ),
    (
        "an update cannot change the action: the rule is made again",
        Update(RULE, replace(RULE, action=Action.ALLOW), ""),
        (
            "gcloud compute firewall-rules delete deny-out --project=host && "
            "gcloud compute firewall-rules create deny-out --project=host --network=net --direction=EGRESS "
            "--action=DENY --priority=950 --rules=all --destination-ranges=0.0.0.0/0 "
            "--target-tags=vpc-connector-europe-west2-conn --enable-logging"
        ),
    ),
    (
        "a router has its NATs by commands of their own",
        Create(ROUTER, ""),
        (
            f"gcloud compute routers create router {PLACE} --network=net '--description=Wayout: out' && "
            f"{NATS} create wayout --router=router {PLACE} --nat-custom-subnet-ip-ranges=small "
            "--auto-allocate-nat-external-ips --min-ports-per-vm=1024 --enable-dynamic-port-allocation "
            "--no-enable-endpoint-independent-mapping --enable-logging --log-filter=ERRORS_ONLY"
        ),
    ),
    (
        "one more subnet in a NAT's list",
        Update(nats(replace(NAT, subnets=(SUBNET.name, WIDE.name))), ROUTER, ""),
        f"{NATS} update wayout --router=router {PLACE} --nat-custom-subnet-ip-ranges=small,wide",
    ),
    (
        "a NAT is missing on a router that is there: created, and the other one left alone",
        Update(nats(replace(NAT, name="other"), NAT), nats(replace(NAT, name="other")), ""),
        (
            f"{NATS} create wayout --router=router {PLACE} --nat-custom-subnet-ip-ranges=small "
            "--auto-allocate-nat-external-ips --min-ports-per-vm=1024 --enable-dynamic-port-allocation "
            "--no-enable-endpoint-independent-mapping --enable-logging --log-filter=ERRORS_ONLY"
        ),
    ),
    (
        "a NAT's entry has come to its end",
        Update(nats(), ROUTER, ""),
        f"{NATS} delete wayout --router=router {PLACE}",
    ),
    (
        "reserved addresses, and a bound of ports that is no longer wanted",
        Update(nats(replace(NAT, addresses=("a", "b"))), nats(replace(NAT, max_ports=2048)), ""),
        f"{NATS} update wayout --router=router {PLACE} --nat-external-ip-pool=a,b --clear-max-ports-per-vm",
    ),
    (
        "a NAT for every subnet, unlogged",
        Update(nats(replace(NAT, coverage=Coverage.ALL, subnets=(), logged=False)), ROUTER, ""),
        f"{NATS} update wayout --router=router {PLACE} --nat-all-subnet-ip-ranges --no-enable-logging",
    ),
    (
        "a connector on a subnet of its own project",
        Create(CONNECTOR, ""),
        (
            f"gcloud compute networks vpc-access connectors create conn {PLACE} --subnet=small --min-instances=2 "
            "--max-instances=3 --machine-type=e2-micro"
        ),
    ),
    (
        "a connector in a service project names the host project of its subnet",
        Create(replace(CONNECTOR, name=ConnectorName("shop", REGION, "conn")), ""),
        (
            "gcloud compute networks vpc-access connectors create conn --project=shop --region=europe-west2 "
            "--subnet=small --subnet-project=host --min-instances=2 --max-instances=3 --machine-type=e2-micro"
        ),
    ),
    (
        "gcloud takes neither bound of a connector's size without the other",
        Update(replace(CONNECTOR, max_instances=5), CONNECTOR, ""),
        f"gcloud compute networks vpc-access connectors update conn {PLACE} --min-instances=2 --max-instances=5",
    ),
    (
        "a job without a way gets the connector",
        Attach(JOB, "e", BY_CONNECTOR, None, ""),
        f"{UPDATE_JOB} {ON_CONNECTOR} --vpc-egress=all-traffic",
    ),
    (
        "a job changes to the direct road: gcloud drops the egress setting with the connector",
        Attach(JOB, "e", DIRECT, BY_CONNECTOR, ""),
        f"{UPDATE_JOB} {ON_SUBNET} --clear-vpc-connector && {UPDATE_JOB} --vpc-egress=all-traffic",
    ),
    (
        "back to the connector, for private ranges: those are what is had where nothing is set",
        Attach(JOB, "e", replace(BY_CONNECTOR, egress=Egress.PRIVATE), DIRECT, ""),
        f"{UPDATE_JOB} {ON_CONNECTOR} --clear-network",
    ),
    (
        "another subnet of the direct road, and no tags any more",
        Attach(JOB, "e", replace(DIRECT, interface=Interface("", str(WIDE.name))), DIRECT, ""),
        f"{UPDATE_JOB} --subnet={WIDE.name} --clear-network-tags --vpc-egress=all-traffic",
    ),
    (
        "a job is detached from a connector",
        Attach(JOB, "e", None, BY_CONNECTOR, ""),
        f"{UPDATE_JOB} --clear-vpc-connector",
    ),
    (
        "a job is detached from a subnet",
        Attach(JOB, "e", None, DIRECT, ""),
        f"{UPDATE_JOB} --clear-network",
    ),
    ("a rule goes", Remove(RULE, ""), "gcloud compute firewall-rules delete deny-out --project=host"),
    (
        "a connector goes",
        Remove(CONNECTOR, ""),
        f"gcloud compute networks vpc-access connectors delete conn {PLACE}",
    ),
    ("a router goes, and its NATs with it", Remove(ROUTER, ""), f"gcloud compute routers delete router {PLACE}"),
    ("a subnet goes", Remove(SUBNET, ""), f"gcloud compute networks subnets delete small {PLACE}"),
    ("a network goes", Remove(NETWORK, ""), "gcloud compute networks delete net --project=host"),
]


@pytest.mark.parametrize(("reason", "change", "command"), TABLE, ids=[row[0] for row in TABLE])
def test_a_change_is_told_as_the_command_that_makes_it(reason: str, change: Change, command: str) -> None:
    assert commands.gcloud(change) == command, reason


def test_an_update_that_gcloud_cannot_make_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="gcloud has no command"):
        commands.gcloud(Update(CONNECTOR, replace(CONNECTOR, subnet=WIDE.name), "it moves"))


ACTAS = "gcloud iam service-accounts add-iam-policy-binding"
MEMBER = "serviceAccount:wayout@home.iam.gserviceaccount.com"
ROLE = "--role=roles/iam.serviceAccountUser"


@pytest.mark.parametrize(
    ("account", "number", "command", "reason"),
    [
        (
            "app@shop.iam.gserviceaccount.com",
            "",
            f"{ACTAS} app@shop.iam.gserviceaccount.com --member={MEMBER} {ROLE} --project=shop",
            "the account's own project, which need not be the job's",
        ),
        (
            "app@shop.example.com.iam.gserviceaccount.com",
            "",
            f"{ACTAS} app@shop.example.com.iam.gserviceaccount.com --member={MEMBER} {ROLE} --project=example.com:shop",
            "a domain-scoped project",
        ),
        (
            "",
            "123",
            f"{ACTAS} 123-compute@developer.gserviceaccount.com --member={MEMBER} {ROLE} --project=host",
            "no account: the project's default compute account",
        ),
        (
            "",
            "",
            (
                f"{ACTAS} \"$(gcloud projects describe host --format='value(projectNumber)')"
                f'-compute@developer.gserviceaccount.com" --member={MEMBER} {ROLE} --project=host'
            ),
            "no account, and nobody here knows the project's number: the command asks for it",
        ),
    ],
)
def test_the_binding_to_grant_names_the_account_the_member_and_the_project(
    account: str, number: str, command: str, reason: str
) -> None:
    assert commands.actas(Job(JOB, service_account=account), MEMBER, number) == command, reason


def test_a_shell_puts_the_projects_number_into_the_default_account() -> None:
    said = commands.actas(Job(JOB), MEMBER)
    script = f'gcloud() {{ if [ "$1" = projects ]; then echo 123; else printf "%s\\n" "$@"; fi; }}\n{said}'
    words = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split("\n")
    assert words[3] == "123-compute@developer.gserviceaccount.com"


@settings(deadline=None, max_examples=60)
@given(worlds(), damages())
def test_every_change_that_is_ever_planned_has_a_command_that_a_shell_takes_apart_again(
    world: World, hurt: list[Damage]
) -> None:
    run(world)
    for damage in hurt:
        damage(world)
    plan, _ = look_and_plan(world)
    for change in (*(change for change, _ in world.applied), *plan.changes):
        for command in commands.gcloud(change).split(" && "):
            words = shlex.split(command)
            assert words[0] == "gcloud"
            assert shlex.join(words) == command


# --- as gcloud takes them ---------------------------------------------------------------------------------------

CLOSED = replace(SUBNET, google_access=False)
LOUD = replace(INTO, source_tags=("theirs",), disabled=True, logged=True)
ALONE = replace(NAT, subnets=(WIDE.name,), min_ports=64, dynamic_ports=False, logged=False)
BIGGER = replace(CONNECTOR, max_instances=5)
PRIVATE = replace(BY_CONNECTOR, egress=Egress.PRIVATE)

CONNECTED = (Create(CLOSED, ""), Update(SUBNET, CLOSED, ""), Create(CONNECTOR, ""), Update(BIGGER, CONNECTOR, ""))
RULED = (Create(RULE, ""), Create(LOUD, ""), Update(INTO, LOUD, ""))
ROUTED = (Create(nats(ALONE), ""), Update(nats(NAT), nats(ALONE), ""))


class Admin:
    """An admin's terminal at an empty host project, and our own eyes on it."""

    def __init__(self, server: LocalCloud, folder: Path) -> None:
        self._shell = Shell(folder, server, "admin@example.com")
        self._clients = Clients(settings_of(server, "admin@example.com"))

    def types(self, *changes: Change) -> None:
        """As somebody would paste it; the next command only if the one before it has worked."""
        for change in changes:
            for command in commands.gcloud(change).split(" && "):
                self._shell.ok(command.removeprefix("gcloud "))

    def deploys(self) -> None:
        self._shell.ok(f"run jobs deploy nightly --image=gcr.io/host/image --project=host --region={REGION}")

    def moves(self, *ways: Way | None) -> None:
        """The job from each way to the next."""
        for was, way in pairwise(ways):
            self.types(Attach(JOB, "", way, was, ""))
            assert self.sees(JobAt(JOB)).way == way

    def sees(self, read: Read[Any]) -> Any:
        found = look([read], self._clients, nothing)[read]
        assert isinstance(found, Present), found
        return found.value

    def close(self) -> None:
        self._clients.close()


def plain(rule: FirewallRule) -> FirewallRule:
    """gcloud makes an entry of its own of every port, where we make one of every protocol: that means the same."""
    ports: dict[str, tuple[str, ...]] = {}
    for one in rule.traffic:
        ports[one.protocol] = (*ports.get(one.protocol, ()), *one.ports)
    return replace(rule, traffic=tuple(Traffic(*item) for item in sorted(ports.items())))


def side_by_side(*doings: Callable[[], None]) -> None:
    """gcloud takes its time."""
    with ThreadPoolExecutor(len(doings)) as pool:
        for done in [pool.submit(doing) for doing in doings]:
            done.result()


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    cloud = LocalCloud(projects={"host": "123456789012"}, clock=Clock())
    with cloud as server, closing(Admin(server, tmp_path)) as one:
        yield one


@pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed here")
def test_gcloud_takes_every_kind_of_command_and_does_what_we_would_have_done(admin: Admin) -> None:
    of = NETWORK.name

    admin.types(Create(NETWORK, ""), Create(WIDE, ""))
    side_by_side(lambda: admin.types(*CONNECTED), lambda: admin.types(*RULED), lambda: admin.types(*ROUTED))

    assert admin.sees(NetworkAt(of)) == NETWORK
    assert {replace(one, fingerprint="") for one in admin.sees(SubnetsOf(of))} == {SUBNET, WIDE}
    rules = {one.name: plain(one) for one in admin.sees(RulesOf(of))}
    assert (rules[RULE.name], rules[INTO.name]) == (RULE, INTO)
    assert admin.sees(RoutersOf(of, REGION)) == (ROUTER,)
    assert admin.sees(ConnectorsIn("host", REGION)) == (replace(BIGGER, state=State.READY),)

    admin.deploys()
    side_by_side(
        lambda: admin.moves(None, BY_CONNECTOR, DIRECT, PRIVATE, None),
        lambda: admin.types(Remove(RULE, ""), Update(nats(), ROUTER, ""), Remove(nats(), "")),
    )
    admin.types(Remove(BIGGER, ""))

    assert [one.name for one in admin.sees(RulesOf(of))] == [INTO.name]
    assert admin.sees(RoutersOf(of, REGION)) == admin.sees(ConnectorsIn("host", REGION)) == ()
