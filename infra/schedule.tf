# The sweep: what no event told, and what an event lost, is found here.
resource "google_cloud_scheduler_job" "sweep" {
  project     = var.project
  region      = var.region
  name        = "wayout-sweep"
  description = "Wayout looks at every job and every site of its policy."
  schedule    = var.sweep.schedule
  time_zone   = var.sweep.time_zone
  paused      = var.sweep.paused

  pubsub_target {
    topic_name = google_pubsub_topic.flow["sweep"].id
    data       = base64encode("sweep")
    attributes = { kind = "sweep" }
  }

  depends_on = [google_project_service.home]
}
