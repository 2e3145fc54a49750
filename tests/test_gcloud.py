"""gcloud, unmodified, against the local Google Cloud: the classic way by hand, and where the real service says no."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from wayout.cli.gcloud import configure

GCLOUD = shutil.which("gcloud")
pytestmark = pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed here")

PROJECT, REGION = "my-project", "europe-west2"
CONNECTOR = "compute networks vpc-access connectors"
CREATE = f"{CONNECTOR} create vpc-conn-europe --region={REGION}"
SIZE = "--min-instances=2 --max-instances=3 --machine-type=e2-micro"
DEPLOY = (
    f"run jobs deploy my-job --image=gcr.io/my-project/my-image --region={REGION} --vpc-connector=vpc-conn-europe "
    "--vpc-egress=all-traffic --memory=512Mi --cpu=1 --task-timeout=5m --max-retries=3 "
    "--service-account=my-sa@my-project.iam.gserviceaccount.com"
)
NAT = (
    f"compute routers nats create nat-config --router=nat-router --region={REGION} --auto-allocate-nat-external-ips "
    "--nat-all-subnet-ip-ranges --enable-logging"
)


class Shell:
    """Somebody's terminal."""

    def __init__(self, folder: Path, local: LocalCloud, principal: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.local = local
        self._settings = configure(folder, int(local.url.rsplit(":", 1)[1]), principal, PROJECT)

    def run(self, words: str) -> subprocess.CompletedProcess[str]:
        assert GCLOUD
        settings = {**os.environ, **self._settings}
        command = [GCLOUD, *shlex.split(words)]
        return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=100, check=False)

    def ok(self, words: str) -> str:
        """What a command prints that has to work."""
        run = self.run(words)
        assert run.returncode == 0, f"gcloud {words}\n{run.stdout}{run.stderr}"
        return run.stdout + run.stderr

    def read(self, words: str) -> Any:
        """What a command says in JSON."""
        run = self.run(f"{words} --format=json")
        assert run.returncode == 0, f"gcloud {words}\n{run.stderr}"
        return json.loads(run.stdout)

    def refused(self, words: str) -> str:
        """What a command complains of."""
        run = self.run(words)
        assert run.returncode != 0, f"gcloud {words}\n{run.stdout}{run.stderr}"
        assert "gcloud crashed" not in run.stderr, run.stderr
        return run.stderr


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A terminal at a cloud where the classic way has been walked; see the first test."""
    with LocalCloud(projects={PROJECT: "123456789012"}, clock=Clock(began=datetime.now(UTC))) as local:
        yield Shell(tmp_path_factory.mktemp("gcloud"), local, "you@example.com")


# (what is typed, whether it works, words that it prints); in this order, as the README of the local cloud has it
SESSION = [
    ("compute networks create my-vpc --subnet-mode=custom", True, "Created"),
    (
        f"compute networks subnets create my-subnet --network=my-vpc --range=10.10.0.0/24 --region={REGION}",
        True,
        "10.10.0.0/24",
    ),
    (f"{CREATE} --subnet=my-subnet {SIZE}", False, "Subnets used for VPC connectors must have a netmask of 28."),
    (f"{CONNECTOR} describe vpc-conn-europe --region={REGION}", True, "state: ERROR"),
    (
        f"compute networks subnets create conn-subnet --network=my-vpc --range=10.10.1.0/28 --region={REGION}",
        True,
        "10.10.1.0/28",
    ),
    (f"{CREATE} --subnet=conn-subnet {SIZE}", False, "Requested entity already exists"),
    (f"{CONNECTOR} delete vpc-conn-europe --region={REGION}", True, "Deleted connector [vpc-conn-europe]"),
    (f"{CREATE} --subnet=conn-subnet {SIZE}", True, "Created connector [vpc-conn-europe]"),
    (f"compute routers create nat-router --network=my-vpc --region={REGION}", True, "nat-router"),
    (NAT, True, "Creating NAT [nat-config] in router [nat-router]"),
    (DEPLOY, True, "has successfully been deployed."),
    ("compute firewall-rules list", True, "aet-europewest2-vpc--conn--europe-hcfw"),
    ("compute firewall-rules describe aet-europewest2-vpc--conn--europe-sbntfw", True, "10.10.1.0/28"),
    (f"run jobs describe my-job --region={REGION}", True, "vpc-conn-europe"),
    ("logging read 'protoPayload.serviceName=\"run.googleapis.com\"'", True, "google.cloud.run.v1.Jobs.CreateJob"),
]


def test_the_classic_way_by_hand_runs_as_typed_and_fails_where_google_does(shell: Shell) -> None:
    for words, works, said in SESSION:
        printed = shell.ok(words) if works else shell.refused(words)
        assert said in printed, f"gcloud {words}\n{printed}"


def test_the_job_that_was_deployed_reads_the_same_in_both_versions(shell: Shell) -> None:
    job = shell.read(f"run jobs describe my-job --region={REGION}")
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert annotations["run.googleapis.com/vpc-access-connector"] == "vpc-conn-europe"
    assert annotations["run.googleapis.com/vpc-access-egress"] == "all-traffic"
    stored = shell.local.cloud.table("run.jobs")[f"projects/{PROJECT}/locations/{REGION}/jobs/my-job"]
    task = stored["template"]["template"]
    connector = f"projects/{PROJECT}/locations/{REGION}/connectors/vpc-conn-europe"
    assert task["vpcAccess"] == {"connector": connector, "egress": "ALL_TRAFFIC"}
    assert (task["timeout"], task["maxRetries"]) == ("300s", 3)
    assert task["serviceAccount"] == "my-sa@my-project.iam.gserviceaccount.com"


def test_a_job_is_deployed_again_executed_listed_and_cleared_of_its_connector(shell: Shell) -> None:
    assert "has successfully been deployed" in shell.ok(DEPLOY.replace("512Mi", "1Gi"))
    assert "has successfully completed" in shell.ok(f"run jobs execute my-job --region={REGION} --wait")
    assert [job["metadata"]["name"] for job in shell.read("run jobs list")] == ["my-job"]
    [execution] = shell.read(f"run jobs executions list --job=my-job --region={REGION}")
    assert execution["status"]["succeededCount"] == 1
    shell.ok(f"run jobs update my-job --region={REGION} --clear-vpc-connector")
    job = shell.read(f"run jobs describe my-job --region={REGION}")
    annotations = job["spec"]["template"]["metadata"].get("annotations", {})
    assert "run.googleapis.com/vpc-access-connector" not in annotations
    assert (
        job["spec"]["template"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == "1Gi"
    )


def test_a_job_with_a_connector_that_is_not_there_is_refused_in_googles_words(shell: Shell) -> None:
    words = DEPLOY.replace("vpc-conn-europe", "nothing").replace("my-job", "other-job", 1)
    said = shell.refused(words)
    assert "nothing does not exist, or Cloud Run does not have permission to use it." in said


def test_deleting_a_connector_in_use_is_accepted_and_the_next_deploy_says_what_is_missing(shell: Shell) -> None:
    shell.ok(f"compute networks subnets create gone --network=my-vpc --range=10.10.2.0/28 --region={REGION}")
    shell.ok(f"{CONNECTOR} create gone --region={REGION} --subnet=gone {SIZE}")
    deploy = DEPLOY.replace("vpc-conn-europe", "gone").replace("my-job", "left-job", 1)
    shell.ok(deploy)
    shell.ok(f"{CONNECTOR} delete gone --region={REGION}")
    assert "does not exist, or Cloud Run does not have permission to use it" in shell.refused(deploy)
    shell.ok(f"run jobs delete left-job --region={REGION}")
    assert "left-job" not in shell.ok("run jobs list")


def test_a_second_nat_for_all_subnets_is_refused(shell: Shell) -> None:
    shell.ok(f"compute routers create second-router --network=my-vpc --region={REGION}")
    said = shell.refused(NAT.replace("nat-router", "second-router"))
    assert "Can not create new Nats since a Nat with option ALL_SUBNETWORKS_ALL_IP_RANGES exists." in said


def test_rules_are_filtered_changed_and_deleted_two_at_a_time(shell: Shell) -> None:
    for name, port in (("first", 22), ("second", 23)):
        shell.ok(f"compute firewall-rules create {name} --network=my-vpc --allow=tcp:{port} --source-ranges=10.0.0.0/8")
    shell.ok("compute firewall-rules update first --source-ranges=10.1.0.0/16 --priority=900")
    [found] = shell.read("compute firewall-rules list --filter=name=first")
    assert (found["sourceRanges"], found["priority"]) == (["10.1.0.0/16"], 900)
    ours = """compute firewall-rules list --filter='name~"^(fir|sec)"'"""
    assert [rule["name"] for rule in shell.read(ours)] == ["first", "second"]
    shell.ok("compute firewall-rules delete first second")
    assert shell.read(ours) == []


def test_a_network_with_something_on_it_is_not_deleted(shell: Shell) -> None:
    said = shell.refused("compute networks delete my-vpc")
    assert "The network resource 'projects/my-project/global/networks/my-vpc' is already being used by" in said


def test_everything_that_lies_in_regions_is_listed_across_them(shell: Shell) -> None:
    assert {"my-subnet", "conn-subnet"} <= {one["name"] for one in shell.read("compute networks subnets list")}
    assert "nat-router" in {one["name"] for one in shell.read("compute routers list")}
    assert {"name", "status"} <= shell.read("compute operations list --limit=1")[0].keys()
    assert "0.0.0.0/0" in {one["destRange"] for one in shell.read("compute routes list")}


def test_log_entries_are_written_and_read_with_a_filter(shell: Shell) -> None:
    shell.ok("""logging write my-log '{"event":"x","n":1}' --payload-type=json --severity=WARNING""")
    [entry] = shell.read("logging read 'severity>=WARNING AND jsonPayload.event=x AND NOT jsonPayload.n>1' --limit=5")
    assert entry["jsonPayload"] == {"event": "x", "n": 1}
    either = 'protoPayload.methodName=~"^v1[.]compute[.]routers[.]" OR protoPayload.methodName:"CreateConnector"'
    methods = shell.read(f"""logging read '({either}) AND resource.labels.project_id="my-project"' --order=asc""")
    assert methods[0]["protoPayload"]["methodName"].endswith("CreateConnector")


def test_an_api_that_is_not_served_is_refused_at_once_and_by_name(shell: Shell) -> None:
    for words in ("sql instances list", "secrets list", "container clusters list"):
        assert "The local Google Cloud does not serve" in shell.refused(words)


def test_a_disabled_api_and_a_missing_permission_are_said_as_google_says_them(shell: Shell, tmp_path: Path) -> None:
    cloud = shell.local.cloud
    stranger = Shell(tmp_path, shell.local, "stranger@example.com")
    cloud.denied.append(("stranger@*", "compute.firewalls.create"))
    said = stranger.refused("compute firewall-rules create third --network=my-vpc --allow=tcp:22")
    assert "Required 'compute.firewalls.create' permission for 'projects/my-project/global/firewalls/third'" in said
    cloud.disabled.add((PROJECT, "vpcaccess.googleapis.com"))
    said = stranger.refused(f"{CONNECTOR} list --region={REGION}")
    cloud.disabled.clear()
    assert "Serverless VPC Access API has not been used in project" in said
