# One page: what came in, what became of it, how long it took, what waits, what was stopped.
locals {
  _run  = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user"
  _wait = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription"

  # What a chart draws: a filter for each label that its lines are told apart by.
  _charts = [
    { title = "Events, by what happened", aligner = "ALIGN_DELTA", lines = { "metric.labels.what" = "${local._run}/wayout/events\"" } },
    { title = "Outcomes, by kind", aligner = "ALIGN_DELTA", lines = { "metric.labels.status" = "${local._run}/wayout/outcomes\"" } },
    { title = "From deploy to way out, 95th percentile, in seconds", aligner = "ALIGN_PERCENTILE_95", lines = { "" = "${local._run}/wayout/way_out_seconds\"" } },
    { title = "Dead letters that wait", aligner = "ALIGN_MAX", lines = { "" = "${local._wait}/num_undelivered_messages\" AND resource.labels.subscription_id=\"wayout-dead\"" } },
    { title = "Age of the oldest unacknowledged message, in seconds", aligner = "ALIGN_MAX", lines = { "resource.labels.subscription_id" = "${local._wait}/oldest_unacked_message_age\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"wayout-(events|requests|sweep|outcomes)\")" } },
    { title = "Messages that could not be read, and failures", aligner = "ALIGN_DELTA", lines = { "metric.labels.event" = "${local._run}/wayout/unread\"", "metric.labels.door" = "${local._run}/wayout/failures\"" } },
    { title = "Connections denied, by rule", aligner = "ALIGN_DELTA", lines = { "metric.labels.rule" = "metric.type=\"logging.googleapis.com/user/wayout/denied_connections\"" } },
    { title = "Packets that Cloud NAT dropped, by reason", aligner = "ALIGN_RATE", lines = { "metric.labels.reason" = local._nat_drops } },
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
              dataSets = [
                for by, filter in chart.lines : {
                  plotType = "LINE"
                  timeSeriesQuery = {
                    timeSeriesFilter = {
                      filter = filter
                      aggregation = {
                        alignmentPeriod    = "300s"
                        perSeriesAligner   = chart.aligner
                        crossSeriesReducer = by == "" ? "REDUCE_NONE" : "REDUCE_SUM"
                        groupByFields      = compact([by])
                      }
                    }
                  }
                }
              ]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.count, google_logging_metric.denied, google_logging_metric.way_out_seconds, google_monitoring_monitored_project.network]
}
