"""How the real provider's computed values look, as templates over a resource's own arguments.

A template may use what stands before it in its table. A number or truth value is what the API decides by default.
"""

from __future__ import annotations

from typing import Any

from tests.infra.provider.values import MOMENT

Templates = dict[str, Any]

_NAME = "projects/{project}"
_PLACE = "projects/{project}/locations/{location}"
_SINKS = "@gcp-sa-logging.iam.gserviceaccount.com"
_ACCOUNT = "{account_id}@{project}.iam.gserviceaccount.com"
_COMPUTE = "{project_number}-compute@developer.gserviceaccount.com"
_BUCKET = "https://www.googleapis.com/storage/v1/b"
_POLICY = {"etag": "{digest}", "spec.etag": "{digest}", "spec.update_time": MOMENT}

EVERYWHERE: Templates = {
    "create_time": MOMENT,
    "update_time": MOMENT,
    "deletion_policy": "DELETE",
    "etag": "{digest}",
    "uid": "{digest}",
    "project": "{project}",
    "region": "{region}",
    "location": "{region}",
}

GRANT: Templates = {"id": "{grant}"}

RESOURCES: dict[str, Templates] = {
    "google_artifact_registry_repository": {
        "id": f"{_PLACE}/repositories/{{repository_id}}",
        "name": "{repository_id}",
        "registry_uri": "{location}-docker.pkg.dev/{project}/{repository_id}",
    },
    "google_cloud_scheduler_job": {
        "id": "projects/{project}/locations/{region}/jobs/{name}",
        "state": "ENABLED",
        "paused": False,
        "retry_config.retry_count": 0,
    },
    "google_cloudfunctions2_function": {
        "id": f"{_PLACE}/functions/{{name}}",
        "url": "https://{location}-{project}.cloudfunctions.net/{name}",
        "state": "ACTIVE",
        "environment": "GEN_2",
        "build_config.build": "projects/{project_number}/locations/{location}/builds/{digest}",
        "build_config.service_account": f"{_NAME}/serviceAccounts/{_COMPUTE}",
        "build_config.docker_repository": f"{_PLACE}/repositories/gcf-artifacts",
        "event_trigger.trigger": f"{_PLACE}/triggers/{{name}}-{{serial}}",
        "service_config.service": f"{_PLACE}/services/{{name}}",
        "service_config.uri": "https://{name}-{digest}.a.run.app",
        "service_config.gcf_uri": "",
        "service_config.direct_vpc_egress": "",
        "service_config.available_cpu": "0.1666",
        "service_config.available_memory": "256M",
        "service_config.max_instance_count": 100,
        "service_config.max_instance_request_concurrency": 1,
        "service_config.service_account_email": _COMPUTE,
        "service_config.timeout_seconds": 60,
    },
    "google_eventarc_trigger": {
        "id": f"{_PLACE}/triggers/{{name}}",
        "event_data_content_type": "application/json",
        "destination.cloud_function": "",
        "destination.cloud_run_service.region": "{location}",
    },
    "google_logging_folder_sink": {
        "id": "folders/{folder_id}/sinks/{name}",
        "writer_identity": f"serviceAccount:service-folder-{{folder_id}}{_SINKS}",
    },
    "google_logging_metric": {"id": "{name}"},
    "google_logging_organization_sink": {
        "id": "organizations/{org_id}/sinks/{name}",
        "writer_identity": f"serviceAccount:service-org-{{org_id}}{_SINKS}",
    },
    "google_logging_project_bucket_config": {
        "id": f"{_PLACE}/buckets/{{bucket_id}}",
        "name": f"{_PLACE}/buckets/{{bucket_id}}",
        "description": "",
        "lifecycle_state": "ACTIVE",
    },
    "google_logging_project_sink": {
        "id": f"{_NAME}/sinks/{{name}}",
        "writer_identity": f"serviceAccount:service-{{project_number}}{_SINKS}",
    },
    "google_monitoring_alert_policy": {
        "name": f"{_NAME}/alertPolicies/{{serial}}",
        "id": f"{_NAME}/alertPolicies/{{serial}}",
        "conditions.name": f"{_NAME}/alertPolicies/{{serial}}/conditions/{{serial}}",
    },
    "google_monitoring_dashboard": {"id": "projects/{project_number}/dashboards/{digest}"},
    "google_monitoring_monitored_project": {"id": "v1/locations/global/metricsScopes/{metrics_scope}/projects/{name}"},
    "google_monitoring_notification_channel": {
        "name": f"{_NAME}/notificationChannels/{{serial}}",
        "id": f"{_NAME}/notificationChannels/{{serial}}",
        "verification_status": "",
    },
    "google_org_policy_custom_constraint": {"id": "{parent}/customConstraints/{name}"},
    "google_org_policy_policy": {"id": "{name}", **_POLICY},
    "google_organization_iam_custom_role": {
        "id": "organizations/{org_id}/roles/{role_id}",
        "name": "organizations/{org_id}/roles/{role_id}",
    },
    "google_project_iam_custom_role": {"id": f"{_NAME}/roles/{{role_id}}", "name": f"{_NAME}/roles/{{role_id}}"},
    "google_project_service": {"id": "{project}/{service}"},
    "google_pubsub_subscription": {
        "id": f"{_NAME}/subscriptions/{{name}}",
        "ack_deadline_seconds": 10,
        "retry_policy.minimum_backoff": "10s",
        "retry_policy.maximum_backoff": "600s",
    },
    "google_pubsub_topic": {"id": f"{_NAME}/topics/{{name}}"},
    "google_secret_manager_secret": {
        "id": f"{_NAME}/secrets/{{secret_id}}",
        "name": "projects/{project_number}/secrets/{secret_id}",
        "expire_time": "",
    },
    "google_secret_manager_secret_version": {
        "version": "{turn}",
        "id": "{secret}/versions/{turn}",
        "name": "{secret}/versions/{turn}",
        "destroy_time": "",
    },
    "google_service_account": {
        "email": _ACCOUNT,
        "id": f"{_NAME}/serviceAccounts/{_ACCOUNT}",
        "name": f"{_NAME}/serviceAccounts/{_ACCOUNT}",
        "member": f"serviceAccount:{_ACCOUNT}",
        "unique_id": "1{serial}",
    },
    "google_storage_bucket": {
        "id": "{name}",
        "self_link": f"{_BUCKET}/{{name}}",
        "url": "gs://{name}",
        "time_created": MOMENT,
        "updated": MOMENT,
        "project_number": "{project_number}",
        "public_access_prevention": "inherited",
        "rpo": "DEFAULT",
        "uniform_bucket_level_access": False,
    },
    "google_storage_bucket_object": {
        "id": "{bucket}-{name}",
        "output_name": "{name}",
        "self_link": f"{_BUCKET}/{{bucket}}/o/{{name}}",
        "media_link": f"{_BUCKET}/{{bucket}}/o/{{name}}?alt=media",
        "content": "",
        "content_type": "application/octet-stream",
        "storage_class": "STANDARD",
        "kms_key_name": "",
    },
}

DATA: dict[str, Templates] = {
    "google_client_config": {"id": _NAME, "access_token": "not-a-token", "zone": ""},
    "google_folder": {
        "id": "folders/{folder_id}",
        "name": "folders/{folder_id}",
        "folder_id": "{folder_id}",
        "display_name": "folder-{folder_id}",
        "organization": "organizations/{organization_number}",
        "parent": "organizations/{organization_number}",
        "lifecycle_state": "ACTIVE",
    },
    "google_organization": {
        "id": "organizations/{organization_number}",
        "name": "organizations/{organization_number}",
        "org_id": "{organization_number}",
        "lifecycle_state": "ACTIVE",
    },
    "google_project": {
        "project_id": "{project_id}",
        "id": "projects/{project_id}",
        "name": "{project_id}",
        "number": "{project_number}",
        "org_id": "{organization_number}",
        "folder_id": "",
        "billing_account": "",
    },
    "google_storage_project_service_account": {
        "email_address": "service-{project_number}@gs-project-accounts.iam.gserviceaccount.com",
        "member": "serviceAccount:service-{project_number}@gs-project-accounts.iam.gserviceaccount.com",
        "id": "service-{project_number}@gs-project-accounts.iam.gserviceaccount.com",
    },
}
