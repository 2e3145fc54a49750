# What a single line of the functions' log is enough for. They look at the lines, not at metrics.tf: an alert on a metric
# that the same apply makes is refused for minutes, until the metric is known.
locals {
  _logged_alerts = {
    unread = {
      name = "Wayout: a message could not be read"
      line = local._counters.unread.line
      help = "It was logged with its id and acknowledged. An audit log entry of a shape that Wayout does not know: please report it."
    }
    failures = {
      name = "Wayout: unexpected failures"
      line = local._counters.failures.line
      help = "The functions' log has the traceback. Nothing is lost: what failed is delivered again, then kept as a dead letter."
    }
    policy = {
      name = "Wayout: the policy does not load"
      line = "jsonPayload.message=~\"the last good version stays in force$\""
      help = "The line says what is wrong with it. Mend the file, check it with: wayout policy check FILE, and apply."
    }
    untold = {
      name = "Wayout: what was done could not be written down or told"
      line = "jsonPayload.message=~\"^(the ledger could not be written|the outcome could not be published|Slack refused the message)$\""
      help = "The line holds what should have been told, why it was not, and what helps."
    }
  }
}

resource "google_monitoring_alert_policy" "logged" {
  for_each = local._logged_alerts

  project               = var.project
  display_name          = each.value.name
  combiner              = "OR"
  notification_channels = local._channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.name

    condition_matched_log {
      filter = "${local._lines} AND ${each.value.line}"
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    content   = each.value.help
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.home]
}
