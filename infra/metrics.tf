# What the functions' log lines say, counted. Names: logging.googleapis.com/user/wayout/NAME.
locals {
  _lines = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^wayout-on-\""

  _counters = {
    events   = { line = "jsonPayload.message=\"event\"", label = "what", field = "jsonPayload.what" }
    outcomes = { line = "jsonPayload.message=\"reconciled\"", label = "status", field = "jsonPayload.status" }
    unread   = { line = "jsonPayload.event=~\"^(event|outcome)[.]unread$|^request[.]invalid$\"", label = "event", field = "jsonPayload.event" }
    # Not by severity: requests that are answered with 500 so that they come again are logged as errors too.
    failures = { line = "jsonPayload.message=\"unexpected failure\"", label = "door", field = "jsonPayload.door" }
  }
}

resource "google_logging_metric" "count" {
  for_each = local._counters

  project     = var.project
  name        = "wayout/${each.key}"
  description = "Wayout's ${each.key}, by ${each.value.label}."
  filter      = "${local._lines} AND ${each.value.line}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key        = each.value.label
      value_type = "STRING"
    }
  }

  label_extractors = { (each.value.label) = "EXTRACT(${each.value.field})" }

  depends_on = [google_project_service.home]
}

# Seconds from a deploy's audit log entry until the job was attached.
resource "google_logging_metric" "way_out_seconds" {
  project         = var.project
  name            = "wayout/way_out_seconds"
  description     = "From a job's deployment to its way out."
  filter          = "${local._lines} AND jsonPayload.message=\"reconciled\" AND jsonPayload.attached=true"
  value_extractor = "EXTRACT(jsonPayload.seconds)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  bucket_options {
    explicit_buckets {
      bounds = [5, 10, 20, 30, 60, 120, 180, 240, 300, 480, 600, 900, 1800, 3600, 7200, 14400]
    }
  }

  depends_on = [google_project_service.home]
}

# Packets that our own denies stopped, counted where the network is: its firewall writes the log there.
resource "google_logging_metric" "denied" {
  for_each = local._network_projects

  project     = each.key
  name        = "wayout/denied_connections"
  description = "Connections that a rule of Wayout's denied, by rule."
  filter      = "log_id(\"compute.googleapis.com/firewall\") AND jsonPayload.disposition=\"DENIED\" AND jsonPayload.rule_details.reference=~\"firewall:wayout-\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key        = "rule"
      value_type = "STRING"
    }
  }

  label_extractors = { rule = "REGEXP_EXTRACT(jsonPayload.rule_details.reference, \"firewall:(wayout-.*)$\")" }

  depends_on = [google_project_service.home]
}
