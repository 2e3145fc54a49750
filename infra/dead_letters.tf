# Messages that could not be finished: kept for a month, counted, and alerted on.
resource "google_pubsub_topic" "dead" {
  project = var.project
  name    = "wayout-dead"
  labels  = local.labels

  depends_on = [google_project_service.home]
}

# Without a subscription of its own a dead letter would be lost.
resource "google_pubsub_subscription" "dead" {
  project = var.project
  name    = "wayout-dead"
  topic   = google_pubsub_topic.dead.id
  labels  = local.labels

  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

locals {
  _pubsub_agent = "serviceAccount:service-${data.google_project.home.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# Pub/Sub's own agent moves the message: publish there, acknowledge here.
resource "google_pubsub_topic_iam_member" "agent_buries" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local._pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "agent_takes" {
  for_each = merge(google_pubsub_subscription.flow, { doctor = google_pubsub_subscription.doctor })

  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local._pubsub_agent
}
