# The policy, mounted into the functions. It holds no secret: Secret Manager is what can be mounted and versioned.
resource "google_secret_manager_secret" "policy" {
  project   = var.project
  secret_id = "wayout-policy"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.home]
}

resource "google_secret_manager_secret_version" "policy" {
  secret      = google_secret_manager_secret.policy.id
  secret_data = file(var.policy)

  lifecycle {
    create_before_destroy = true # there is a policy at every moment
  }
}

resource "google_secret_manager_secret_iam_member" "runtime_reads_policy" {
  project   = var.project
  secret_id = google_secret_manager_secret.policy.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}
