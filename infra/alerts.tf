# What somebody should look at, by Google's own metrics, and who is told. Without a channel the alerts still show in Cloud
# Monitoring. What the functions' own lines tell is in alerts_logged.tf, what lasts in alerts_lasting.tf.
locals {
  _channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    tolist(var.alerts.channels),
  )

  # Every NAT of Wayout's has this name, in whichever network; somebody else's is somebody else's to watch.
  _nat_drops = "resource.type=\"nat_gateway\" AND resource.labels.gateway_name=\"wayout\" AND metric.type=\"router.googleapis.com/nat/dropped_sent_packets_count\""

  _alerts = {
    dead = {
      name      = "Wayout: a message became a dead letter"
      filter    = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.dead.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      threshold = 0
      aligner   = "ALIGN_MAX"
      help      = "Read it with: gcloud pubsub subscriptions pull ${google_pubsub_subscription.dead.name} --project=${var.project}. The functions' log says under the event's id why it could not be finished. Once the cause is gone, run a sweep, then pull with --auto-ack."
    }
    waiting = {
      name      = "Wayout: a message waits too long"
      filter    = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"wayout-(events|requests|sweep|outcomes)\") AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      threshold = var.alerts.minutes * 60
      aligner   = "ALIGN_MAX"
      help      = "A function does not answer, or answers with failures: look at its log, and run: wayout doctor."
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alerts.emails

  project      = var.project
  display_name = "Wayout: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.home]
}

resource "google_monitoring_alert_policy" "wayout" {
  for_each = local._alerts

  project               = var.project
  display_name          = each.value.name
  combiner              = "OR"
  notification_channels = local._channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.name

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = each.value.aligner
      }
    }
  }

  documentation {
    content   = each.value.help
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.home]
}

# A NAT that runs out of ports drops packets silently. Other networks' projects are seen from here: monitored.tf.
resource "google_monitoring_alert_policy" "nat_drops" {
  project               = var.project
  display_name          = "Wayout: Cloud NAT drops packets"
  combiner              = "OR"
  notification_channels = local._channels
  user_labels           = local.labels

  conditions {
    display_name = "A router of Wayout's drops packets"

    condition_threshold {
      filter          = local._nat_drops
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.project_id", "resource.labels.region", "metric.labels.reason"]
      }
    }
  }

  documentation {
    content   = "By reason: OUT_OF_RESOURCES wants more ports per VM or more addresses (`nat` in the profile); ENDPOINT_INDEPENDENT_CONFLICT comes from a setting that Wayout never makes: somebody changed its NAT."
    mime_type = "text/markdown"
  }

  depends_on = [google_monitoring_monitored_project.network, google_project_service.home]
}
