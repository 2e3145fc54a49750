resource "google_storage_bucket" "source" {
  name                        = "my-project-source"
  location                    = "europe-west2"
  uniform_bucket_level_access = true

  versioning {
    enabled = true
  }
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${data.archive_file.source.output_md5}.zip"
  source = data.archive_file.source.output_path
}

resource "google_storage_bucket_iam_member" "reads" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.runtime.member
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "images"
  format        = "DOCKER"
}

resource "google_secret_manager_secret" "token" {
  secret_id = "token"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "token" {
  secret      = google_secret_manager_secret.token.id
  secret_data = var.words
}

resource "google_secret_manager_secret_iam_member" "reads" {
  secret_id = google_secret_manager_secret.token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}

resource "google_cloudfunctions2_function" "door" {
  name     = "door"
  location = "europe-west2"

  build_config {
    runtime     = "python312"
    entry_point = "door"

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.runtime.email
    ingress_settings      = "ALLOW_INTERNAL_ONLY"
    environment_variables = { WORDS = var.words }

    secret_volumes {
      mount_path = "/etc/door"
      project_id = "my-project"
      secret     = google_secret_manager_secret.token.secret_id
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  location = "europe-west2"
  name     = google_cloudfunctions2_function.door.service_config[0].service
  role     = "roles/run.invoker"
  member   = google_service_account.runtime.member
}

resource "google_logging_metric" "failures" {
  name   = "failures"
  filter = "severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_notification_channel" "email" {
  display_name = "Network team"
  type         = "email"
  labels       = { email_address = "network-team@acme.example" }
}

resource "google_monitoring_alert_policy" "failures" {
  display_name          = "Failures"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "Any failure"

    condition_threshold {
      filter     = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.failures.name}\""
      comparison = "COMPARISON_GT"
      duration   = "0s"
    }
  }
}

resource "google_monitoring_monitored_project" "network" {
  metrics_scope = "my-project"
  name          = "my-network"
}

resource "google_monitoring_dashboard" "page" {
  dashboard_json = jsonencode({ displayName = "Door", gridLayout = {} })
}

output "told" {
  value = {
    account  = google_service_account.runtime.email
    agent    = google_pubsub_subscription_iam_member.agent_takes.member
    folder   = google_logging_folder_sink.events.writer_identity
    home     = data.google_project.home.project_id
    labels   = google_pubsub_topic.events.effective_labels
    role     = google_folder_iam_member.reader.role
    secret   = google_secret_manager_secret_version.token.name
    service  = google_cloud_run_v2_service_iam_member.invoker.name
    topic    = google_pubsub_subscription.events.topic
    endpoint = google_pubsub_subscription.events.push_config[0].push_endpoint
  }
}
