# The deployment, described for `wayout doctor`; which is run once it stands, and again whenever it changes.
locals {
  _deployment = {
    project = var.project
    region  = var.region
    sink = {
      parent = concat(values(local._folder), values(local._organization), [for id in sort(tolist(local._projects)) : "projects/${id}"])[0]
      parents = sort(concat( # of the sinks that are there: the doctor looks once they are
        [for id in keys(google_logging_project_sink.events) : "projects/${id}"],
        [for id in keys(google_logging_folder_sink.events) : "folders/${id}"],
        [for id in keys(google_logging_organization_sink.events) : "organizations/${id}"],
      ))
      name   = local._sink.name
      filter = local._filter
    }
    topics        = merge({ for key, topic in google_pubsub_topic.flow : key => topic.id }, { dead = google_pubsub_topic.dead.id })
    subscriptions = merge({ for key, one in google_pubsub_subscription.flow : key => one.id }, { dead = google_pubsub_subscription.dead.id, doctor = google_pubsub_subscription.doctor.id })
    functions     = { for key, door in google_cloudfunctions2_function.door : key => door.service_config[0].uri }

    principal            = google_service_account.runtime.email
    invoker              = google_service_account.invoker.email
    projects             = sort(tolist(local._projects))
    network_projects     = sort(tolist(local._network_projects))
    job_service_accounts = sort(tolist(var.job_service_accounts))
    slack                = var.slack_channel != ""
    eventarc             = var.eventarc
  }
}

locals {
  # The checkout's own command, which `make setup` makes; else whichever the shell finds.
  _wayout = "${path.module}/../.venv/bin/wayout"
  _doctor = var.doctor != null ? var.doctor : "${fileexists(local._wayout) ? "'${abspath(local._wayout)}'" : "wayout"} doctor - --timeout 300"
  _again  = "terraform output -json deployment | wayout doctor -"
}

resource "terraform_data" "doctor" {
  count = var.doctor == "" ? 0 : 1

  triggers_replace = [local._deployment, google_storage_bucket_object.bundle.name, google_secret_manager_secret_version.policy.id]

  # New sinks and grants may take minutes, and an echo that a sink did not see is lost: what is red is looked at twice.
  # What was laid stands whatever the doctor says, so he never fails an apply: that would only taint himself.
  provisioner "local-exec" {
    command     = <<-EOT
      look() { printf %s "$DEPLOYMENT" | ${local._doctor}; }
      look; said=$?
      if [ $said -eq 1 ]; then
        echo "Something is red. New sinks and grants may take minutes: once more in a minute."
        sleep 60
        look; said=$?
      fi
      case $said in
        0 | 2) ;; # 2: nothing is wrong that could be looked at
        1) echo "Wayout is laid, and NOT WELL: see above. Look again with: ${local._again}" ;;
        *) echo "Wayout is laid, and NOBODY LOOKED: the doctor's command ended with $said. After make setup: ${local._again}" ;;
      esac
    EOT
    quiet       = true # else all of it is printed before it runs
    environment = { DEPLOYMENT = jsonencode(local._deployment) }
  }

  # All that an echo passes through, and every grant: tests/infra/test_order.py finds what is left out.
  depends_on = [
    google_cloud_scheduler_job.sweep,
    google_compute_subnetwork_iam_member.service_project_uses,
    google_eventarc_trigger.audit_log,
    google_folder_iam_member.runtime,
    google_logging_project_sink.ledger,
    google_organization_iam_member.runtime,
    google_project_iam_member.run_agent_attaches,
    google_project_iam_member.run_agent_looks,
    google_project_iam_member.runtime,
    google_pubsub_subscription.flow,
    google_pubsub_subscription_iam_member.agent_takes,
    google_pubsub_topic_iam_member.agent_buries,
    google_pubsub_topic_iam_member.runtime_tells,
    google_pubsub_topic_iam_member.sender,
    google_pubsub_topic_iam_member.sink_writes,
    google_service_account_iam_member.act_as,
  ]
}
