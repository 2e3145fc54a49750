resource "google_pubsub_topic" "events" {
  name   = "events"
  labels = { kind = "events" }
}

resource "google_pubsub_topic" "dead" {
  name = "dead"
}

resource "google_pubsub_topic_iam_member" "sink_writes" {
  topic  = google_pubsub_topic.events.name
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.events.writer_identity
}

resource "google_pubsub_subscription" "events" {
  name                       = "events"
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = 600
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.door.service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.runtime.email
    }
  }

  retry_policy {
    minimum_backoff = "10s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 30
  }

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_subscription_iam_member" "agent_takes" {
  subscription = google_pubsub_subscription.events.name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:service-${data.google_project.home.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_cloud_scheduler_job" "tick" {
  name     = "tick"
  schedule = "17 * * * *"

  pubsub_target {
    topic_name = google_pubsub_topic.events.id
    data       = base64encode("tick")
  }
}

resource "google_eventarc_trigger" "job" {
  name            = "job"
  location        = "europe-west2"
  service_account = google_service_account.runtime.email

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.audit.log.v1.written"
  }

  destination {
    cloud_run_service {
      service = google_cloudfunctions2_function.door.name
    }
  }
}

resource "google_logging_project_sink" "events" {
  name                   = "events"
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.events.id}"
  filter                 = "severity>=NOTICE"
  unique_writer_identity = true
}

resource "google_logging_folder_sink" "events" {
  folder           = data.google_folder.apps.name
  name             = "events"
  destination      = "pubsub.googleapis.com/${google_pubsub_topic.events.id}"
  include_children = true
}

resource "google_logging_organization_sink" "events" {
  org_id           = data.google_organization.acme.org_id
  name             = "events"
  destination      = "pubsub.googleapis.com/${google_pubsub_topic.events.id}"
  include_children = true
}

resource "google_logging_project_bucket_config" "ledger" {
  project        = "my-project"
  location       = "europe-west2"
  bucket_id      = "ledger"
  retention_days = 400
}
