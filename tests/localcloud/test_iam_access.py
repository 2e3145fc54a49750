"""Who may do what in a guarded project: what roles hold, what methods need, and where bindings reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from localcloud.access import admission
from localcloud.core import METHODS
from localcloud.iam.roles import grants, predefined, universe
from localcloud.server import LocalCloud
from tests.localcloud.guarded import JOB, NUMBER, OWNER, REQUESTS, RUN, P, R, admin, ask, bind, call

HOST = "host-project"
POLICY = "compute.networks.updatePolicy"
RUNTIME = f"runtime@{P}.iam.gserviceaccount.com"
LEVELS = [f"projects/{P}", "folders/12", "organizations/34"]


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCloud]:
    """A cloud in which everybody is bound to one role, of the same name."""
    with LocalCloud(projects={P: NUMBER, HOST: "210987654321"}) as local:
        admin(local, "guard", project=P, owner=f"user:{OWNER}")
        admin(local, "parents", resource=f"projects/{P}", parent="folders/12")
        admin(local, "parents", resource="folders/12", parent="organizations/34")
        for role in predefined():
            bind(local, role, f"user:{role.removeprefix('roles/')}@example.com")
        yield local


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(projects={P: NUMBER, HOST: "210987654321"}) as found:
        yield found


def let_in(local: LocalCloud, method: str, who: str) -> bool:
    """Whether the door opens; what lies behind it does not matter here."""
    return ask(local, method, who).status_code != 403


RUN_JOBS, CONNECTORS = "run.projects.locations.jobs", "vpcaccess.projects.locations.connectors"
# role, method, whether it may, why
ROLES = [
    ("owner", "compute.firewalls.insert", True, "owners may do everything"),
    ("owner", "cloudresourcemanager.projects.setIamPolicy", True, "owners give roles"),
    ("editor", "compute.firewalls.insert", True, "editors change resources"),
    ("editor", f"{CONNECTORS}.create", True, "editors make connectors"),
    ("editor", "cloudresourcemanager.projects.setIamPolicy", False, "editors give no roles"),
    ("editor", "cloudresourcemanager.projects.getIamPolicy", True, "editors see who has which"),
    ("editor", "iam.projects.roles.create", False, "editors make no roles"),
    ("editor", "iam.projects.serviceAccounts.create", True, "editors make service accounts"),
    ("editor", "logging.projects.sinks.create", False, "log exports take configWriter or owner"),
    ("editor", "serviceusage.services.enable", True, "editors enable APIs"),
    ("viewer", f"{RUN_JOBS}.get", True, "viewers read"),
    ("viewer", "compute.routers.list", True, "viewers list"),
    ("viewer", "compute.regionOperations.wait", True, "waiting is reading"),
    ("viewer", "cloudresourcemanager.projects.getIamPolicy", True, "viewers read policies"),
    ("viewer", f"{RUN_JOBS}.run", False, "viewers start nothing"),
    ("viewer", "compute.firewalls.delete", False, "viewers delete nothing"),
    ("viewer", "pubsub.projects.topics.publish", False, "viewers send nothing"),
    ("browser", "cloudresourcemanager.projects.get", True, "browsers see the project"),
    ("browser", f"{RUN_JOBS}.list", False, "and nothing in it"),
    ("run.admin", f"{RUN_JOBS}.patch", True, "full control of jobs"),
    ("run.admin", f"{CONNECTORS}.get", False, "but not of connectors"),
    ("run.developer", f"{RUN_JOBS}.patch", True, "developers change jobs"),
    ("run.developer", f"{RUN_JOBS}.delete", True, "and delete them"),
    ("run.viewer", f"{RUN_JOBS}.get", True, "run.viewer reads jobs"),
    ("run.viewer", "run.projects.locations.operations.wait", True, "and their operations"),
    ("run.viewer", f"{RUN_JOBS}.patch", False, "but changes none"),
    ("run.invoker", f"{RUN_JOBS}.run", False, "run.invoker holds routes.invoke only"),
    ("vpcaccess.admin", f"{CONNECTORS}.create", True, "full control of connectors"),
    ("vpcaccess.admin", f"{CONNECTORS}.delete", True, "full control of connectors, to their end"),
    ("vpcaccess.admin", "compute.subnetworks.get", False, "but no look at their subnets"),
    ("vpcaccess.user", f"{CONNECTORS}.get", True, "users see connectors"),
    ("vpcaccess.user", f"{CONNECTORS}.create", False, "vpcaccess.user cannot create connectors"),
    ("vpcaccess.viewer", f"{CONNECTORS}.list", True, "viewers see connectors"),
    ("vpcaccess.viewer", f"{CONNECTORS}.delete", False, "and leave them alone"),
    ("compute.networkAdmin", "compute.routers.insert", True, "networkAdmin makes routers"),
    ("compute.networkAdmin", "compute.subnetworks.insert", True, "and subnets"),
    ("compute.networkAdmin", "compute.networks.delete", True, "and deletes networks"),
    ("compute.networkAdmin", "compute.firewalls.get", True, "networkAdmin sees rules"),
    ("compute.networkAdmin", "compute.firewalls.insert", False, "networkAdmin has no firewalls.create"),
    ("compute.networkAdmin", "compute.firewalls.patch", False, "networkAdmin has no firewalls.update"),
    ("compute.networkAdmin", "compute.firewalls.delete", False, "networkAdmin has no firewalls.delete"),
    ("compute.securityAdmin", "compute.firewalls.insert", True, "securityAdmin makes rules"),
    ("compute.securityAdmin", "compute.firewalls.delete", True, "and deletes them"),
    ("compute.securityAdmin", "compute.routers.insert", False, "securityAdmin has no routers.create"),
    ("compute.securityAdmin", "compute.routers.patch", False, "securityAdmin has no routers.update"),
    ("compute.securityAdmin", "compute.subnetworks.insert", False, "securityAdmin makes no subnets"),
    ("compute.networkUser", "compute.subnetworks.get", True, "networkUser sees what it uses"),
    ("compute.networkUser", "compute.subnetworks.insert", False, "networkUser makes nothing"),
    ("compute.viewer", "compute.firewalls.list", True, "compute.viewer reads compute"),
    ("compute.viewer", f"{RUN_JOBS}.list", False, "and nothing else"),
    ("compute.admin", "compute.firewalls.update", True, "compute.admin does everything in compute"),
    ("iam.serviceAccountUser", "iam.projects.serviceAccounts.list", True, "serviceAccountUser sees accounts"),
    ("iam.serviceAccountUser", f"{RUN_JOBS}.patch", False, "actAs alone changes no job"),
    ("logging.logWriter", "logging.entries.write", True, "logWriter writes"),
    ("logging.logWriter", "logging.entries.list", False, "and does not read"),
    ("logging.viewer", "logging.entries.list", True, "logging.viewer reads"),
    ("logging.viewer", "logging.entries.write", False, "and does not write"),
    ("logging.configWriter", "logging.projects.sinks.create", True, "configWriter exports logs"),
    ("pubsub.publisher", "pubsub.projects.topics.publish", True, "publishers publish"),
    ("pubsub.publisher", "pubsub.projects.topics.create", False, "and make no topics"),
    ("pubsub.editor", "pubsub.projects.topics.create", True, "pubsub.editor makes topics"),
    ("serviceusage.serviceUsageAdmin", "serviceusage.services.enable", True, "serviceUsageAdmin enables APIs"),
    ("serviceusage.serviceUsageConsumer", "serviceusage.services.enable", False, "a consumer only looks"),
    ("resourcemanager.projectIamAdmin", "cloudresourcemanager.projects.setIamPolicy", True, "it is all it does"),
    ("resourcemanager.projectIamAdmin", f"{RUN_JOBS}.list", False, "and it gives itself nothing"),
    ("run.serviceAgent", f"{CONNECTORS}.get", True, "Cloud Run's agent needs connectors.get"),
    ("vpcaccess.serviceAgent", "compute.firewalls.update", False, "the agent has no networks.updatePolicy"),
]


@pytest.mark.parametrize(("role", "method", "allowed", "why"), ROLES, ids=[f"{row[0]}: {row[3]}" for row in ROLES])
def test_a_role_opens_the_door_for_what_it_holds(
    shared: LocalCloud, role: str, method: str, allowed: bool, why: str
) -> None:
    assert let_in(shared, method, f"{role}@example.com") is allowed, why


@pytest.mark.parametrize("method", sorted(REQUESTS))
def test_nobody_without_a_role_gets_in_anywhere(shared: LocalCloud, method: str) -> None:
    assert ask(shared, method, "stranger@example.com").status_code == 403
    assert ask(shared, method, "").status_code == 403


# What deployments are told to grant for each call, and nothing else.
NEEDED = {
    f"{RUN_JOBS}.get": ["run.jobs.get"],
    f"{RUN_JOBS}.list": ["run.jobs.list"],
    f"{RUN_JOBS}.patch": ["run.jobs.update", "run.jobs.get"],
    "run.projects.locations.operations.wait": ["run.operations.get"],
    f"{CONNECTORS}.create": ["vpcaccess.connectors.create"],
    f"{CONNECTORS}.get": ["vpcaccess.connectors.get"],
    f"{CONNECTORS}.list": ["vpcaccess.connectors.list"],
    "vpcaccess.projects.locations.operations.get": ["vpcaccess.operations.get"],
    "compute.networks.get": ["compute.networks.get"],
    "compute.networks.list": ["compute.networks.list"],
    "compute.subnetworks.insert": ["compute.subnetworks.create", POLICY],
    "compute.subnetworks.get": ["compute.subnetworks.get"],
    "compute.subnetworks.list": ["compute.subnetworks.list"],
    "compute.firewalls.insert": ["compute.firewalls.create", POLICY],
    "compute.firewalls.patch": ["compute.firewalls.update", "compute.firewalls.get", POLICY],
    "compute.firewalls.update": ["compute.firewalls.update", "compute.firewalls.get", POLICY],
    "compute.firewalls.delete": ["compute.firewalls.delete", POLICY],
    "compute.routers.insert": ["compute.routers.create", POLICY],
    "compute.routers.patch": ["compute.routers.update", "compute.routers.get", POLICY],
    "compute.routers.get": ["compute.routers.get"],
    "compute.routers.list": ["compute.routers.list"],
    "compute.routes.list": ["compute.routes.list"],
    "compute.globalOperations.wait": ["compute.globalOperations.get"],
    "compute.regionOperations.wait": ["compute.regionOperations.get"],
    "compute.addresses.get": ["compute.addresses.get"],
    "compute.addresses.list": ["compute.addresses.list"],
    "logging.entries.write": ["logging.logEntries.create"],
    "pubsub.projects.topics.publish": ["pubsub.topics.publish"],
}


@pytest.mark.parametrize(("method", "needed"), NEEDED.items(), ids=list(NEEDED))
def test_a_method_needs_exactly_what_deployments_grant_for_it(
    shared: LocalCloud, method: str, needed: list[str]
) -> None:
    role, who = f"projects/{P}/roles/exactly", "exactly@example.com"
    admin(shared, "roles", name=role, permissions=needed)
    bind(shared, role, f"user:{who}")
    assert let_in(shared, method, who)
    for one in needed:
        admin(shared, "roles", name=role, permissions=[other for other in needed if other != one])
        refused = ask(shared, method, who)
        assert refused.status_code == 403
        assert one in refused.text


def test_every_permission_that_is_asked_for_is_in_a_predefined_role_and_the_owner_has_it(shared: LocalCloud) -> None:
    asked = {permission for method in METHODS.values() for permission in method.permissions}
    found = call(shared, "POST", f"cloudresourcemanager/v1/projects/{P}:testIamPermissions", {"permissions": [*asked]})
    organizations = {one for one in asked if one.startswith("compute.organizations.")}
    assert set(found.json()["permissions"]) == asked - organizations
    named = {permission for role in predefined().values() for permission in role["permissions"]}
    assert {one for one in asked if not one.startswith(("compute.", "iam."))} <= named


def held(local: LocalCloud, who: str) -> set[str]:
    """Every permission that somebody holds on the project, as the API says."""
    path = f"cloudresourcemanager/v1/projects/{P}:testIamPermissions"
    found = call(local, "POST", path, {"permissions": sorted(universe())}, who)
    assert found.status_code == 200, found.text
    return set(found.json().get("permissions", []))


pairs = st.tuples(st.sampled_from(LEVELS), st.sampled_from(sorted(predefined())))


@settings(max_examples=12, deadline=None)
@given(base=st.lists(pairs, max_size=3, unique=True), new=pairs)
def test_a_binding_only_adds_and_taking_it_away_takes_exactly_that(
    shared: LocalCloud, base: list[tuple[str, str]], new: tuple[str, str]
) -> None:
    assume(new not in base)
    who, member = "ann@example.com", "user:ann@example.com"
    admin(shared, "quotas", enforced=False)
    for resource, role in base:
        bind(shared, role, member, resource)
    before = held(shared, who)
    bind(shared, new[1], member, new[0])
    after = held(shared, who)
    own = {one for one in universe() if grants(shared.cloud, new[1], one)}
    assert after == before | own
    admin(shared, "unbind", role=new[1], member=member, resource=new[0])
    assert held(shared, who) == before
    for resource, role in base:
        admin(shared, "unbind", role=role, member=member, resource=resource)
    assert held(shared, who) == set()


def test_a_project_that_nobody_guards_lets_everybody_do_everything(local: LocalCloud) -> None:
    assert let_in(local, "compute.firewalls.list", "anybody@example.com")
    assert let_in(local, "compute.firewalls.list", "")
    bind(local, "roles/viewer", "user:ann@example.com", f"projects/{HOST}")
    assert let_in(local, "compute.firewalls.list", "anybody@example.com"), "another project's policy is its own affair"


@pytest.mark.parametrize(
    ("member", "who", "included"),
    [
        pytest.param("user:ann@example.com", "Ann@Example.com", True, id="addresses differ in case only"),
        pytest.param("user:ann@example.com", "bob@example.com", False, id="somebody else"),
        pytest.param(f"serviceAccount:{RUNTIME}", RUNTIME, True, id="a service account"),
        pytest.param(f"user:{RUNTIME}", RUNTIME, False, id="a service account is no user"),
        pytest.param("group:team@example.com", "ann@example.com", True, id="in the group"),
        pytest.param("group:team@example.com", "bob@example.com", False, id="not in the group"),
        pytest.param("domain:example.com", "bob@example.com", True, id="in the domain"),
        pytest.param("domain:example.com", "bob@other.com", False, id="in another domain"),
        pytest.param("allAuthenticatedUsers", "bob@other.com", True, id="anybody with a token"),
        pytest.param("allAuthenticatedUsers", "", False, id="nobody without a token"),
        pytest.param("allUsers", "", True, id="really everybody"),
    ],
)
def test_members_are_who_they_say(local: LocalCloud, member: str, who: str, included: bool) -> None:
    admin(local, "switches", **{"iam.groups": {"team@example.com": ["ann@example.com"]}})
    bind(local, "roles/compute.viewer", member)
    assert let_in(local, "compute.networks.list", who) is included


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_bound_above_covers_what_lies_below(local: LocalCloud, level: str) -> None:
    admin(local, "guard", project=P)
    admin(local, "parents", resource=f"projects/{P}", parent="folders/12")
    admin(local, "parents", resource="folders/12", parent="organizations/34")
    assert not let_in(local, "compute.routers.list", "ann@example.com")
    bind(local, "roles/compute.networkAdmin", "user:ann@example.com", level)
    assert let_in(local, "compute.routers.list", "ann@example.com")
    admin(local, "parents", resource="folders/12", parent="")
    assert let_in(local, "compute.routers.list", "ann@example.com") is (level != "organizations/34")


def test_a_binding_on_one_topic_is_for_that_topic_only(local: LocalCloud) -> None:
    for topic in ("events", "others"):
        assert call(local, "PUT", f"pubsub/v1/projects/{P}/topics/{topic}", {}).status_code == 200
    admin(local, "guard", project=P)
    bind(
        local,
        "roles/pubsub.publisher",
        f"serviceAccount:{RUNTIME}",
        f"//pubsub.googleapis.com/projects/{P}/topics/events",
    )
    body = {"messages": [{"data": "eA=="}]}
    assert call(local, "POST", f"pubsub/v1/projects/{P}/topics/events:publish", body, RUNTIME).status_code == 200
    assert call(local, "POST", f"pubsub/v1/projects/{P}/topics/others:publish", body, RUNTIME).status_code == 403


def test_a_binding_on_one_job_is_for_both_versions_of_its_api(local: LocalCloud) -> None:
    done = call(local, "POST", f"{RUN}/jobs?jobId=mine", JOB).json()
    assert call(local, "POST", f"run/v2/{done['name']}:wait", {}).json()["done"]
    admin(local, "guard", project=P)
    bind(local, "roles/run.viewer", "user:ann@example.com", f"projects/{P}/locations/{R}/jobs/mine")
    v1 = f"{R}-run/apis/run.googleapis.com/v1/namespaces/{P}/jobs"
    for path in (f"{RUN}/jobs/mine", f"{v1}/mine"):
        assert call(local, "GET", path, None, "ann@example.com").status_code == 200
        assert call(local, "GET", path, None, "bob@example.com").status_code == 403
    assert call(local, "GET", f"{v1}/other", None, "ann@example.com").status_code == 403


def test_a_rule_in_a_service_project_needs_the_network_of_the_host(local: LocalCloud) -> None:
    admin(local, "guard", project=HOST)
    body = {"name": "rule", "network": f"projects/{HOST}/global/networks/net", "allowed": [{"IPProtocol": "tcp"}]}
    path = f"compute/compute/v1/projects/{P}/global/firewalls"
    refused = call(local, "POST", path, body).json()["error"]
    assert refused["message"] == f"Required '{POLICY}' permission for 'projects/{HOST}/global/networks/net'"


def test_denials_stand_above_bindings(local: LocalCloud) -> None:
    admin(local, "guard", project=P, owner=f"user:{OWNER}")
    admin(local, "deny", principal=OWNER, permission="compute.routes.*")
    assert not let_in(local, "compute.routes.list", OWNER)
    assert let_in(local, "compute.routers.list", OWNER)


ACCOUNT = f"jobs@{P}.iam.gserviceaccount.com"
USER = "roles/iam.serviceAccountUser"


@pytest.mark.parametrize(
    ("resource", "account", "may"),
    [
        pytest.param(f"projects/{P}/serviceAccounts/{ACCOUNT}", ACCOUNT, True, id="on the account"),
        pytest.param(f"projects/{P}", ACCOUNT, True, id="on its project, for all of them"),
        pytest.param(f"projects/{P}/serviceAccounts/other@x", ACCOUNT, False, id="on another account"),
        pytest.param(f"projects/{HOST}", ACCOUNT, False, id="on another project"),
        pytest.param(
            f"projects/{P}", f"{NUMBER}-compute@developer.gserviceaccount.com", True, id="the default account"
        ),
        pytest.param(f"projects/{HOST}", f"x@{HOST}.iam.gserviceaccount.com", True, id="an account of another project"),
    ],
)
def test_acting_as_an_account_is_asked_on_the_account(
    local: LocalCloud, resource: str, account: str, may: bool
) -> None:
    admin(local, "guard", project=P)
    admin(local, "guard", project=HOST)
    bind(local, USER, f"serviceAccount:{RUNTIME}", resource)
    assert admission.may_act_as(local.cloud, RUNTIME, account, P) is may
