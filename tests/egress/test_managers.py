"""Whose source a job lives in, by what it carries and by who deployed it; and what to put there."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wayout.egress.managers import Kind, Manager, manager, source_text
from wayout.egress.model import Cause, ConnectorName, Egress, Interface, Job, JobName, Way

NAME = JobName("shop", "europe-west2", "nightly")
JANE = "jane@example.com"
TERRAFORM = (
    "HashiCorp Terraform/1.9.8 (+https://www.terraform.io) Terraform Plugin SDK/2.33.0 "
    "terraform-provider-google/6.10.0,gzip(gfe)"
)
KCC = "kcc/1.125.0 (+https://github.com/GoogleCloudPlatform/k8s-config-connector) kcc/controller-manager/1.125.0"
GCLOUD = "google-cloud-sdk gcloud/528.0.0 command/gcloud.run.jobs.deploy invocation-id/0a1b environment/None"
CONSOLE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
BY_TERRAFORM = ("goog-terraform-provisioned", "true")
BY_CNRM = ("managed-by-cnrm", "true")

# (what the job carries, the user agent of its deploy, who has it, what says so, why the row is here)
SIGNS: list[tuple[dict[str, Any], str, Kind | None, str, str]] = [
    ({"labels": (BY_TERRAFORM,)}, "", "Terraform", "label goog-terraform-provisioned=true", "provider 5.16 and later"),
    ({}, TERRAFORM, "Terraform", "user agent of the deploy HashiCorp Terraform/1.9.8", "the label can be switched off"),
    (
        {},
        "google-api-go-client/0.5 terraform-provider-google/6.10.0",
        "Terraform",
        "user agent",
        "gRPC and REST differ",
    ),
    ({"client": "terraform"}, "", "Terraform", "client terraform", "an argument that modules like to set"),
    ({"labels": (BY_TERRAFORM,)}, GCLOUD, "Terraform", "label", "gcloud by hand today: the next apply undoes it"),
    ({"labels": (("goog-terraform-provisioned", "false"),)}, "", None, "", "somebody has taken it out of there"),
    ({"labels": (BY_CNRM,)}, "", "Config Connector", "label managed-by-cnrm=true", "as its recorded requests have it"),
    ({}, KCC, "Config Connector", "user agent of the deploy kcc/1.125.0", "as recorded"),
    (
        {"annotations": (("cnrm.cloud.google.com/project-id", "shop"),)},
        "",
        "Config Connector",
        "annotation cnrm.cloud.google.com/project-id",
        "copied from the Kubernetes object",
    ),
    (
        {"creator": "cnrm-system@shop.iam.gserviceaccount.com"},
        "",
        "Config Connector",
        "made by cnrm-",
        "its own account",
    ),
    (
        {"labels": (BY_CNRM, BY_TERRAFORM)},
        "",
        "Terraform",
        "label goog-terraform",
        "a bulk export writes managed-by-cnrm into Terraform's files, whatever the order of the labels",
    ),
    ({"labels": (BY_CNRM,)}, TERRAFORM, "Terraform", "user agent", "and before the label, the deploy itself says so"),
    ({"labels": (BY_TERRAFORM,)}, KCC, "Config Connector", "user agent", "it has acquired what Terraform once made"),
    ({"labels": (("goog-dm", "nightly-deployment"),)}, "", "Deployment Manager", "label goog-dm=nightly", "its label"),
    ({}, "Google-Deployment-Manager", "Deployment Manager", "user agent", "as recorded of other resources"),
    (
        {"last_modifier": "123456789012@cloudservices.gserviceaccount.com"},
        "",
        "Deployment Manager",
        "last changed by 123456789012@",
        "it acts as the Google APIs service agent",
    ),
    ({"labels": (("goog-pulumi-provisioned", "true"),)}, "", "Pulumi", "label goog-pulumi", "pulumi-gcp 8 and later"),
    ({}, f"{TERRAFORM} pulumi-gcp/8.0", "Pulumi", "user agent", "its provider is Terraform's"),
    ({"client": "gcloud"}, GCLOUD, None, "", "gcloud is nobody's source, in a CI neither"),
    ({"client": "cloud-console"}, CONSOLE, None, "", "nor is the console"),
    ({"creator": "ci@shop.iam.gserviceaccount.com", "last_modifier": JANE}, "", None, "", "nor a service account"),
    ({"labels": (("managed-by", "terraform"),)}, "", None, "", "a label of somebody's own proves nothing"),
    (
        {"creator": "terraform@shop.iam.gserviceaccount.com"},
        "",
        None,
        "",
        "an account's name proves nothing: it may run gcloud too",
    ),
]


@pytest.mark.parametrize(("job", "agent", "kind", "says", "reason"), SIGNS, ids=[row[4] for row in SIGNS])
def test_a_jobs_source_is_known_by_what_it_carries_or_who_deployed_it(
    job: dict[str, Any], agent: str, kind: Kind | None, says: str, reason: str
) -> None:
    found = manager(Job(NAME, **job), Cause("1", JANE, agent=agent))

    assert (found.kind if found else None) == kind, reason
    assert found is None or found.evidence.startswith(says), reason


def test_without_the_deploy_what_the_job_carries_has_to_do() -> None:
    found = manager(Job(NAME, labels=(BY_TERRAFORM,)))

    assert found == Manager("Terraform", "label goog-terraform-provisioned=true")
    assert manager(Job(NAME)) is None


def test_a_long_user_agent_is_cut_where_it_is_quoted() -> None:
    found = manager(Job(NAME), Cause("1", agent=f"{TERRAFORM} {'x' * 500}"))

    assert found
    assert len(found.evidence) <= 110


PAIRS = st.sampled_from([BY_TERRAFORM, BY_CNRM, ("goog-dm", "d"), ("team", "web"), ("cnrm.cloud.google.com/x", "y")])


@settings(deadline=None, max_examples=100)
@given(st.lists(PAIRS, unique=True), st.data())
def test_the_order_of_labels_and_annotations_means_nothing(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    turned = tuple(data.draw(st.permutations(pairs)))

    found = manager(Job(NAME, labels=tuple(pairs)))

    assert manager(Job(NAME, labels=turned)) == found
    assert (found is None) == (set(pairs) <= {("team", "web")})


# --- what to put there ------------------------------------------------------------------------------------------

CONNECTOR = "projects/shop/locations/europe-west2/connectors/conn"
SUBNET = "projects/host/regions/europe-west2/subnetworks/wide"
NETWORK = "projects/host/global/networks/net"
BY_CONNECTOR = Way(Egress.ALL, ConnectorName.parse(CONNECTOR))
DIRECT = Way(Egress.PRIVATE, interface=Interface(NETWORK, SUBNET, ("wayout-web", "db")))


def text(kind: Kind, way: Way) -> str:
    return source_text(Manager(kind, "a label"), Job(NAME), way)


def test_terraform_is_told_the_block_for_a_connector() -> None:
    assert text("Terraform", BY_CONNECTOR) == dedent(
        f"""\
        # google_cloud_run_v2_job nightly
        template {{
          template {{
            vpc_access {{
              connector = "{CONNECTOR}"
              egress    = "ALL_TRAFFIC"
            }}
          }}
        }}"""
    )


def test_terraform_is_told_the_block_for_the_direct_road() -> None:
    assert text("Terraform", DIRECT) == dedent(
        f"""\
        # google_cloud_run_v2_job nightly
        template {{
          template {{
            vpc_access {{
              egress = "PRIVATE_RANGES_ONLY"
              network_interfaces {{
                network    = "{NETWORK}"
                subnetwork = "{SUBNET}"
                tags       = ["wayout-web", "db"]
              }}
            }}
          }}
        }}"""
    )


def test_an_interface_without_network_and_tags_says_nothing_of_them() -> None:
    bare = Way(Egress.PRIVATE, interface=Interface(subnet=SUBNET))

    assert "network    =" not in text("Terraform", bare)
    assert "tags" not in text("Terraform", bare)
    assert yaml.safe_load(text("Pulumi", bare))["properties"]["template"]["template"]["vpcAccess"] == {
        "egress": "PRIVATE_RANGES_ONLY",
        "networkInterfaces": [{"subnetwork": SUBNET}],
    }


def test_config_connector_is_told_the_fields_of_its_run_job() -> None:
    assert yaml.safe_load(text("Config Connector", BY_CONNECTOR)) == {
        "spec": {
            "template": {"template": {"vpcAccess": {"egress": "ALL_TRAFFIC", "connectorRef": {"external": CONNECTOR}}}}
        }
    }
    interface = {
        "networkRef": {"external": NETWORK},
        "subnetworkRef": {"external": SUBNET},
        "tags": ["wayout-web", "db"],
    }
    assert yaml.safe_load(text("Config Connector", DIRECT)) == {
        "spec": {
            "template": {"template": {"vpcAccess": {"egress": "PRIVATE_RANGES_ONLY", "networkInterfaces": [interface]}}}
        }
    }


@pytest.mark.parametrize("kind", ["Deployment Manager", "Pulumi"])
def test_who_speaks_the_apis_own_words_is_told_them(kind: Kind) -> None:
    def access(way: Way) -> Any:
        return yaml.safe_load(text(kind, way))["properties"]["template"]["template"]["vpcAccess"]

    interface = {"network": NETWORK, "subnetwork": SUBNET, "tags": ["wayout-web", "db"]}
    assert access(BY_CONNECTOR) == {"egress": "ALL_TRAFFIC", "connector": CONNECTOR}
    assert access(DIRECT) == {"egress": "PRIVATE_RANGES_ONLY", "networkInterfaces": [interface]}
