resource "google_service_account" "runtime" {
  account_id   = "my-account"
  display_name = var.words
}

resource "google_service_account_iam_member" "act_as" {
  service_account_id = google_service_account.runtime.name
  role               = "roles/iam.serviceAccountUser"
  member             = "user:somebody@acme.example"
}

resource "google_project_iam_custom_role" "reader" {
  role_id     = "reader"
  title       = "Reader"
  permissions = ["run.jobs.get"]
}

resource "google_project_iam_member" "reader" {
  project = "my-project"
  role    = google_project_iam_custom_role.reader.id
  member  = google_service_account.runtime.member
}

resource "google_organization_iam_custom_role" "reader" {
  org_id      = data.google_organization.acme.org_id
  role_id     = "reader"
  title       = "Reader"
  permissions = ["run.jobs.get"]
  stage       = "GA"
}

resource "google_organization_iam_member" "reader" {
  org_id = data.google_organization.acme.org_id
  role   = google_organization_iam_custom_role.reader.id
  member = google_service_account.runtime.member
}

resource "google_folder_iam_member" "reader" {
  folder = data.google_folder.apps.name
  role   = google_organization_iam_custom_role.reader.id
  member = google_service_account.runtime.member
}

resource "google_project_service" "run" {
  service            = "run.googleapis.com"
  disable_on_destroy = false
}

resource "google_compute_subnetwork_iam_member" "use" {
  subnetwork = "my-subnet"
  role       = "roles/compute.networkUser"
  member     = google_service_account.runtime.member
}

resource "google_kms_crypto_key_iam_member" "use" {
  crypto_key_id = "projects/my-project/locations/europe-west2/keyRings/ring/cryptoKeys/key"
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.agent.member
}

resource "google_org_policy_policy" "egress" {
  name   = "${data.google_folder.apps.name}/policies/run.allowedVPCEgress"
  parent = data.google_folder.apps.name

  spec {
    rules {
      values {
        allowed_values = ["all-traffic"]
      }
    }
  }
}

resource "google_org_policy_custom_constraint" "egress" {
  name           = "custom.egress"
  parent         = data.google_organization.acme.name
  action_type    = "ALLOW"
  condition      = "resource.metadata.name != ''"
  method_types   = ["CREATE"]
  resource_types = ["run.googleapis.com/Job"]
}
