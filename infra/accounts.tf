# Who Wayout is (runtime), who may call it (invoker), and who builds it (build): three accounts that share nothing.
resource "google_service_account" "runtime" {
  project      = var.project
  account_id   = "wayout"
  display_name = "Wayout"
  description  = "Reads jobs and networks, and makes ways out."

  depends_on = [google_project_service.home]
}

resource "google_service_account" "invoker" {
  project      = var.project
  account_id   = "wayout-invoker"
  display_name = "Wayout's caller"
  description  = "The identity that Pub/Sub delivers with; the only one that may call the functions."

  depends_on = [google_project_service.home]
}

resource "google_service_account" "build" {
  project      = var.project
  account_id   = "wayout-build"
  display_name = "Wayout's builder"
  description  = "Builds the functions' images from the bundle."

  depends_on = [google_project_service.home]
}

resource "google_project_iam_member" "build" {
  project = var.project
  role    = "roles/cloudbuild.builds.builder"
  member  = google_service_account.build.member
}

# Changing a job takes acting as its service account: each is named, none is granted by project.
resource "google_service_account_iam_member" "act_as" {
  for_each = var.job_service_accounts

  service_account_id = "projects/-/serviceAccounts/${each.key}"
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.runtime.member
}
