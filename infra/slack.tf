# The secret for Slack's token: made here, filled by a person, and never part of Terraform's state.
resource "google_secret_manager_secret" "slack" {
  project   = var.project
  secret_id = "wayout-slack-token"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.home]
}

resource "google_secret_manager_secret_iam_member" "runtime_reads_slack" {
  project   = var.project
  secret_id = google_secret_manager_secret.slack.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}
