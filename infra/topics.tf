# What flows where: audit log entries, requests of other systems, ticks of the schedule, and outcomes.
locals {
  _flows = {
    events   = "on_audit_log"
    requests = "on_request"
    sweep    = "on_schedule"
    outcomes = "on_outcome"
  }
}

resource "google_pubsub_topic" "flow" {
  for_each = local._flows

  project = var.project
  name    = "wayout-${each.key}"
  labels  = local.labels

  depends_on = [google_project_service.home]
}

resource "google_pubsub_topic_iam_member" "runtime_tells" {
  project = var.project
  topic   = google_pubsub_topic.flow["outcomes"].name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.runtime.member
}

resource "google_pubsub_topic_iam_member" "sender" {
  for_each = var.senders

  project = var.project
  topic   = google_pubsub_topic.flow["requests"].name
  role    = "roles/pubsub.publisher"
  member  = each.key
}
