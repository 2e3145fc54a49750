# What matters only if it lasts, by the metrics that metrics.tf makes. In PromQL the check that a metric is known can be left
# out, which the first apply needs.
locals {
  _metric = "logging_googleapis_com:user_wayout"
  _of_run = "monitored_resource=\"cloud_run_revision\""

  _lasting_alerts = {
    blocked = {
      name     = "Wayout: a way out stays blocked or refused"
      query    = "sum(increase(${local._metric}_outcomes{${local._of_run},status=~\"blocked|refused\"}[90m])) > 0"
      duration = "10800s" # each of the last hourly sweeps met it
      help     = "The outcomes say which job's or site's, why, and who can help: search the functions' log for jsonPayload.message=\"reconciled\" with jsonPayload.status blocked or refused, or look at Slack."
    }
    slow = {
      name     = "Wayout: jobs wait too long for their way out"
      query    = "histogram_quantile(0.95, sum by (le) (increase(${local._metric}_way_out_seconds_bucket{${local._of_run}}[1h]))) > ${var.alerts.minutes * 60}"
      duration = "0s"
      help     = "From the deploy's audit log entry to the attached job, 95th percentile of an hour. A connector takes minutes; more than that is quota, failures or late events: look at the dashboard Wayout."
    }
  }
}

resource "google_monitoring_alert_policy" "lasting" {
  for_each = local._lasting_alerts

  project               = var.project
  display_name          = each.value.name
  combiner              = "OR"
  notification_channels = local._channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.name

    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = each.value.duration
      evaluation_interval       = "300s"
      disable_metric_validation = true
    }
  }

  documentation {
    content   = each.value.help
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.count, google_logging_metric.way_out_seconds]
}
