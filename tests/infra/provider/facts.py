"""What the real provider does and its published schema does not say, as tables.

Read from the provider's source: which values are secret, which arguments no API can change in place, which of several
belong together, and what a value has to look like.
"""

from __future__ import annotations

SENSITIVE = (
    "google_secret_manager_secret_version.secret_data",
    "google_secret_manager_secret_version.secret_data_wo",
    "google_storage_bucket_object.content",
    "data.google_client_config.access_token",
)

WRITE_ONLY = ("google_secret_manager_secret_version.secret_data_wo",)

# Their project is that of what they belong to, whatever the provider's is.
BELONGING = ("google_secret_manager_secret_version",)

# Who is what in any type: another value is another resource.
IDENTITY = (
    "name",
    "project",
    "location",
    "region",
    "folder",
    "org_id",
    "parent",
    "account_id",
    "role_id",
    "secret_id",
    "bucket_id",
    "repository_id",
)

# These say who they are in other words, or have a name that may change.
REPLACED_BY: dict[str, tuple[str, ...]] = {
    "google_artifact_registry_repository": (*IDENTITY, "format", "kms_key_name", "mode"),
    "google_eventarc_trigger": (*IDENTITY, "event_data_content_type", "transport"),
    "google_logging_folder_sink": (*IDENTITY, "include_children"),
    "google_logging_organization_sink": (*IDENTITY, "include_children"),
    "google_logging_project_sink": (*IDENTITY, "unique_writer_identity"),
    "google_monitoring_dashboard": ("project",),
    "google_monitoring_monitored_project": ("name", "metrics_scope"),
    "google_org_policy_custom_constraint": (*IDENTITY, "resource_types"),
    "google_project_service": ("project", "service"),
    "google_pubsub_subscription": (*IDENTITY, "topic", "filter", "enable_message_ordering"),
    "google_secret_manager_secret": (*IDENTITY, "replication"),
    "google_secret_manager_secret_version": (
        "secret",
        "secret_data",
        "secret_data_wo_version",
        "is_secret_data_base64",
    ),
    "google_storage_bucket": (*IDENTITY, "custom_placement_config", "hierarchical_namespace"),
    "google_storage_bucket_object": (
        *IDENTITY,
        "bucket",
        "cache_control",
        "content",
        "content_disposition",
        "content_encoding",
        "content_language",
        "content_type",
        "kms_key_name",
        "metadata",
        "source",
        "storage_class",
    ),
}

# (type, exactly how many at least, of which): more than one is never right.
ONE_OF: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("google_storage_bucket_object", 1, ("content", "source")),
    ("google_secret_manager_secret_version", 1, ("secret_data", "secret_data_wo")),
    ("google_pubsub_subscription", 0, ("push_config", "bigquery_config", "cloud_storage_config")),
    ("google_cloud_scheduler_job", 0, ("pubsub_target", "http_target", "app_engine_http_target")),
    (
        "google_eventarc_trigger.destination",
        1,
        ("cloud_function", "cloud_run_service", "gke", "http_endpoint", "workflow"),
    ),
    ("google_secret_manager_secret.replication", 1, ("auto", "user_managed")),
)

_MEMBER = r"allUsers|allAuthenticatedUsers|(deleted:)?[a-zA-Z]+:.+|projectOwner:.+|principal(Set)?://.+"

# (attribute, pattern, what it should be); `*` before the attribute: in every type that ends so.
PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("google_service_account.account_id", r"[a-z][-a-z0-9]{4,28}[a-z0-9]", "6 to 30 of a-z, 0-9 and -"),
    ("google_project_iam_custom_role.role_id", r"[a-zA-Z0-9_.]{3,64}", "3 to 64 of a-z, A-Z, 0-9, _ and ."),
    ("google_organization_iam_custom_role.role_id", r"[a-zA-Z0-9_.]{3,64}", "3 to 64 of a-z, A-Z, 0-9, _ and ."),
    ("google_storage_bucket.name", r"[a-z0-9][-_.a-z0-9]{1,220}[a-z0-9]", "lower case, digits, -, _ and ."),
    ("google_service_account_iam_member.service_account_id", r"projects/[^/]+/serviceAccounts/[^/]+@.+", "a full name"),
    ("*_iam_member.member", _MEMBER, "KIND:NAME, such as serviceAccount:EMAIL"),
)
