"""Every switch of the local Google Cloud: what is assumed about Google, and what tests want otherwise.

`Cloud.switch` reads one. Which of them stand for something that nobody outside Google knows: docs/assumptions.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Switch:
    """What it is unless set, and what it decides."""

    default: Any
    decides: str


SWITCHES: dict[str, Switch] = {
    # the firewall rules that Google makes for a connector
    "connector.visible_rules": Switch(True, "whether they are in the list of rules"),
    "connector.rules_editable": Switch(True, "whether others may change or remove them while the connector stands"),
    "connector.rules_restored": Switch(False, "whether Google puts back what others changed or removed"),
    "connector.rules_restored_after": Switch(60.0, "how many seconds later"),
    "connector.leaves_rules": Switch(False, "whether they outlive their connector"),
    "connector.doubled_hyphens": Switch(True, "whether their names double each hyphen of the connector's"),
    "connector.tagfw_tag": Switch("unique", "by which tag of the connector the broad one knows it; or universal"),
    "connector.control_targets": Switch("unique", "whom the four at priority 100 are for: that tag; universal; or all"),
    # Serverless VPC Access
    "vpcaccess.create_error": Switch(None, "{code, message} that every creation of a connector fails with"),
    "vpcaccess.needs_google_access": Switch(False, "whether a connector takes Private Google Access or a NAT"),
    "vpcaccess.service_project_needs_rules": Switch(True, "whether one in a service project lives by its host's rules"),
    "vpcaccess.unhealthy_machines": Switch([], "machine types of which no connector gets healthy"),
    "vpcaccess.error_holds_subnet": Switch(True, "whether one in ERROR keeps its range until it is deleted"),
    "vpcaccess.get_lag": Switch(0, "for how many seconds after an operation reads may show what was before"),
    "vpcaccess.deletes_in_use": Switch(True, "whether a connector that a job uses can be deleted"),
    "vpcaccess.hidden_subnet_has_nat": Switch(True, "whether a NAT for all subnets serves a connector's hidden one"),
    "vpcaccess.cpu_quota": Switch(None, "how many processors connectors may have, in all or by region; None: no end"),
    "vpcaccess.custom_constraints": Switch([], "organisation policies: [{field, value, constraint, description}]"),
    # Cloud Run
    "run.audit_entries": Switch(2, "how many audit log entries a v2 job method writes"),
    "run.replace_logged_as": Switch("ReplaceJob", "the method name under which v1's ReplaceJob is logged"),
    "run.etag_refusal": Switch("ABORTED", "how a stale etag is refused; or FAILED_PRECONDITION"),
    "run.tokens_returned": Switch(True, "whether start tokens come back when a job is read"),
    "run.missing_images": Switch([], "images that are not there"),
    "run.checks_connector": Switch(True, "whether a job's write is refused for a connector that is not READY there"),
    "run.allowed_vpc_egress": Switch(
        None, "what run.allowedVPCEgress allows, everywhere or by project; None: anything"
    ),
    "run.egress_refusal": Switch("message", "how that policy refuses: the form on record; or denied; or details"),
    "run.direct_addresses_per_task": Switch(1, "how many addresses a task takes in its Direct VPC egress subnet"),
    "run.direct_addresses_held": Switch(0, "for how many seconds after an execution they hold that subnet"),
    # Compute Engine
    "compute.read_lag": Switch(0, "for how many seconds after an operation reads may show what was before"),
    "compute.ready_after": Switch(0, "for how many seconds a new network or subnet refuses writes as not ready"),
    "compute.firewalls.quota": Switch(500, "how many a project may have; None: no end"),
    "compute.routers.quota": Switch(None, "how many a project may have; None: no end"),
    "compute.networks.quota": Switch(None, "how many a project may have; None: no end"),
    "compute.subnetworks.quota": Switch(None, "how many a project may have; None: no end"),
    "compute.ingress_destinations": Switch(True, "whether an INGRESS rule may name destination ranges"),
    "sharedvpc.checked": Switch(
        None, "who may use a host's subnets; None: its service projects; True or False: nobody, anybody"
    ),
    # IAM, quotas, Pub/Sub, the clock
    "iam.require_token": Switch(False, "whether a call without a token is refused"),
    "iam.scopes": Switch({}, "the scopes of callers' tokens: {pattern of e-mails: [scope]}"),
    "iam.groups": Switch({}, "who is in a group: {group: [e-mail]}"),
    "iam.checks_members": Switch(True, "whether a policy that names an account that is not there is refused"),
    "quotas.enforced": Switch(True, "whether per-minute quotas are"),
    "quotas.limits": Switch({}, "per-minute quotas of another size: {name: number}"),
    "pubsub.outstanding": Switch(8, "how many messages a push subscription delivers at once"),
    "clock.asking_passes": Switch(
        None, "how many seconds pass while somebody asks how an operation goes; None: all it takes"
    ),
}
