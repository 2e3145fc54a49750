# Optional: native triggers beside the sink. Eventarc matches whole method names of its catalogue, which lacks the v1
# methods that gcloud uses: the sink stays the main road, and what comes twice is set aside.
locals {
  _eventarc = var.eventarc ? {
    job-created       = { service = "run.googleapis.com", method = "google.cloud.run.v2.Jobs.CreateJob" }
    job-updated       = { service = "run.googleapis.com", method = "google.cloud.run.v2.Jobs.UpdateJob" }
    job-deleted       = { service = "run.googleapis.com", method = "google.cloud.run.v2.Jobs.DeleteJob" }
    connector-created = { service = "vpcaccess.googleapis.com", method = "google.cloud.vpcaccess.v1.VpcAccessService.CreateConnector" }
    connector-deleted = { service = "vpcaccess.googleapis.com", method = "google.cloud.vpcaccess.v1.VpcAccessService.DeleteConnector" }
  } : {}
}

resource "google_eventarc_trigger" "audit_log" {
  for_each = local._eventarc

  project         = var.project
  location        = "global" # events of every region
  name            = "wayout-${each.key}"
  service_account = google_service_account.invoker.email
  labels          = local.labels

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.audit.log.v1.written"
  }
  matching_criteria {
    attribute = "serviceName"
    value     = each.value.service
  }
  matching_criteria {
    attribute = "methodName"
    value     = each.value.method
  }

  destination {
    cloud_run_service {
      service = google_cloudfunctions2_function.door["on_audit_log"].name
      region  = var.region
    }
  }

  depends_on = [google_project_iam_member.invoker_receives]
}

resource "google_project_iam_member" "invoker_receives" {
  count = var.eventarc ? 1 : 0

  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.invoker.member
}
