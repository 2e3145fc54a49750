# Deliveries to the functions: signed, patient, and never dropped. What 30 tries did not finish is a dead letter.
resource "google_pubsub_subscription" "flow" {
  for_each = local._flows

  project = var.project
  name    = "wayout-${each.key}"
  topic   = google_pubsub_topic.flow[each.key].id
  labels  = local.labels

  ack_deadline_seconds       = 600
  message_retention_duration = "604800s"
  # Echoes are answers to `wayout doctor`, not outcomes to tell.
  filter = each.key == "outcomes" ? "NOT attributes.kind = \"echo\"" : null

  push_config {
    # The path tells functions-framework the topic; the query, that the body is a Pub/Sub message.
    push_endpoint = "${google_cloudfunctions2_function.door[each.value].service_config[0].uri}/${google_pubsub_topic.flow[each.key].id}?pubsub_trigger=true"

    oidc_token {
      service_account_email = google_service_account.invoker.email
      audience              = google_cloudfunctions2_function.door[each.value].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 30
  }

  expiration_policy {
    ttl = "" # else it is deleted after 31 quiet days
  }

  depends_on = [google_cloud_run_v2_service_iam_member.invoker]
}

# Where `wayout doctor` hears the echo of what it sent.
resource "google_pubsub_subscription" "doctor" {
  project = var.project
  name    = "wayout-doctor"
  topic   = google_pubsub_topic.flow["outcomes"].id
  labels  = local.labels

  ack_deadline_seconds       = 10
  message_retention_duration = "600s"
  filter                     = "attributes.kind = \"echo\""

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 30
  }

  expiration_policy {
    ttl = ""
  }
}
