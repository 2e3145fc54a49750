# The functions' source: one zip, reproducible to the byte, so that its hash changes only when something in it does.
locals {
  _bundle = coalesce(var.bundle, "${path.module}/../dist/wayout-bundle.zip")
}

resource "google_storage_bucket" "bundle" {
  project                     = var.project
  name                        = "${var.project}-wayout-bundle"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # holds nothing that `make bundle` would not make again
  labels                      = local.labels

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.home]
}

resource "google_storage_bucket_object" "bundle" {
  bucket = google_storage_bucket.bundle.name
  name   = "wayout-${fileexists(local._bundle) ? filesha256(local._bundle) : "missing"}.zip"
  source = local._bundle

  lifecycle {
    precondition {
      condition     = fileexists(local._bundle)
      error_message = "There is no bundle at ${local._bundle}: make it first, with `make bundle`."
    }
  }
}

resource "google_storage_bucket_iam_member" "build_reads_bundle" {
  bucket = google_storage_bucket.bundle.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}
