# One page: what came in, what became of it, how long it took, what waits, what was stopped.
locals {
  _run  = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user"
  _wait = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription"

  _charts = [
    { title = "Events, by what happened", filter = "${local._run}/wayout/events\"", aligner = "ALIGN_DELTA", by = "metric.labels.what" },
    { title = "Outcomes, by kind", filter = "${local._run}/wayout/outcomes\"", aligner = "ALIGN_DELTA", by = "metric.labels.status" },
    { title = "From deploy to way out, 95th percentile, in seconds", filter = "${local._run}/wayout/way_out_seconds\"", aligner = "ALIGN_PERCENTILE_95", by = null },
    { title = "Dead letters that wait", filter = "${local._wait}/num_undelivered_messages\" AND resource.labels.subscription_id=\"wayout-dead\"", aligner = "ALIGN_MAX", by = null },
    { title = "Age of the oldest unacknowledged message, in seconds", filter = "${local._wait}/oldest_unacked_message_age\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"wayout-(events|requests|sweep|outcomes)\")", aligner = "ALIGN_MAX", by = "resource.labels.subscription_id" },
    { title = "Messages that could not be read, and failures", filter = "${local._run}/wayout/unread\"", aligner = "ALIGN_DELTA", by = "metric.labels.event" },
    { title = "Connections denied, by rule", filter = "metric.type=\"logging.googleapis.com/user/wayout/denied_connections\"", aligner = "ALIGN_DELTA", by = "metric.labels.rule" },
    { title = "Packets that Cloud NAT dropped, by reason", filter = "resource.type=\"nat_gateway\" AND metric.type=\"router.googleapis.com/nat/dropped_sent_packets_count\"", aligner = "ALIGN_RATE", by = "metric.labels.reason" },
  ]
}

resource "google_monitoring_dashboard" "wayout" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "Wayout"
    mosaicLayout = {
      columns = 48
      tiles = [
        for index, chart in local._charts : {
          xPos   = (index % 2) * 24
          yPos   = floor(index / 2) * 16
          width  = 24
          height = 16
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "300s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.by == null ? "REDUCE_NONE" : "REDUCE_SUM"
                      groupByFields      = compact([chart.by])
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.count, google_logging_metric.way_out_seconds, google_project_service.home]
}
