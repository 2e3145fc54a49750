# The ledger: every change with its before and after, in a log bucket of its own that outlives the default 30 days.
locals {
  _ledger_log = "wayout-ledger"
}

resource "google_logging_project_bucket_config" "ledger" {
  project        = var.project
  location       = var.region
  bucket_id      = local._ledger_log
  description    = "What Wayout changed, why, and what was there before."
  retention_days = var.ledger.days
  locked         = var.ledger.locked

  depends_on = [google_project_service.home]
}

resource "google_logging_project_sink" "ledger" {
  project                = var.project
  name                   = local._ledger_log
  description            = "Keeps Wayout's ledger for ${var.ledger.days} days."
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.ledger.id}"
  filter                 = "log_id(\"${local._ledger_log}\")"
  unique_writer_identity = true # a bucket of the same project needs no grant
}
