# The doors: one function per flow, from one bundle, called by Pub/Sub and by nobody else.
locals {
  _policy_folder = "/etc/wayout"
}

resource "google_cloudfunctions2_function" "door" {
  for_each = toset(values(local._flows))

  project  = var.project
  location = var.region
  name     = "wayout-${replace(each.key, "_", "-")}"
  labels   = local.labels

  build_config {
    runtime         = var.functions.runtime
    entry_point     = each.key
    service_account = google_service_account.build.id

    source {
      storage_source {
        bucket = google_storage_bucket.bundle.name
        object = google_storage_bucket_object.bundle.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.runtime.email
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    timeout_seconds                  = 540
    available_memory                 = var.functions.memory
    available_cpu                    = var.functions.cpu
    min_instance_count               = 0
    max_instance_count               = var.functions.max_instances
    max_instance_request_concurrency = var.functions.concurrency
    all_traffic_on_latest_revision   = true

    environment_variables = {
      THREADS               = tostring(var.functions.concurrency) # as many deliveries as the platform sends at once
      MALLOC_ARENA_MAX      = "2"                                 # glibc keeps a heap for every few threads else: 30 MB more (make soak)
      WAYOUT_PROJECT        = var.project
      WAYOUT_POLICY         = "${local._policy_folder}/policy.yaml"
      WAYOUT_PRINCIPAL      = google_service_account.runtime.email
      WAYOUT_OUTCOME_TOPIC  = google_pubsub_topic.flow["outcomes"].id
      WAYOUT_LEDGER_LOG     = local._ledger_log
      WAYOUT_LOG            = var.functions.debug ? "debug" : "info"
      WAYOUT_BUDGET_SECONDS = "480"
      WAYOUT_INSTANCES      = tostring(3 * var.functions.max_instances) # on_outcome spends nothing of Google's quotas
      SLACK_CHANNEL         = var.slack_channel
    }

    # The mounted version is read at each use: a new policy is in force without a deployment.
    secret_volumes {
      mount_path = local._policy_folder
      project_id = var.project
      secret     = google_secret_manager_secret.policy.secret_id

      versions {
        version = "latest"
        path    = "policy.yaml"
      }
    }

    dynamic "secret_environment_variables" {
      for_each = each.key == "on_outcome" && var.slack_channel != "" ? [google_secret_manager_secret.slack.secret_id] : []

      content {
        key        = "SLACK_TOKEN"
        project_id = var.project
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }

  depends_on = [
    google_project_iam_member.build,
    google_project_service.home,
    google_secret_manager_secret_iam_member.runtime_reads_policy,
    google_secret_manager_secret_iam_member.runtime_reads_slack,
    google_secret_manager_secret_version.policy,
    google_storage_bucket_iam_member.build_reads_bundle,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = google_cloudfunctions2_function.door

  project  = var.project
  location = var.region
  name     = each.value.service_config[0].service
  role     = "roles/run.invoker"
  member   = google_service_account.invoker.member
}
