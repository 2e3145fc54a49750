output "next_step" {
  description = "What to do now."
  value = (
    var.slack_channel == ""
    ? "Deploy a job, and watch the ledger. For Slack: printf %s \"$TOKEN\" | gcloud secrets versions add ${google_secret_manager_secret.slack.secret_id} --project=${var.project} --data-file=- ; then set slack_channel and apply again."
    : "Deploy a job in a project that is watched, and look at ${var.slack_channel}. Check the deployment at any time with: terraform output -json deployment | wayout doctor -"
  )
  depends_on = [
    google_pubsub_subscription.flow,
    google_pubsub_topic_iam_member.sink_writes,
  ]
}

output "principal" {
  description = "The service account that Wayout is; what it may not do, outcomes say by this name."
  value       = google_service_account.runtime.email
}

output "requests" {
  description = "The topic for requests of other systems."
  value       = google_pubsub_topic.flow["requests"].id
}

output "outcomes" {
  description = "The topic of outcomes, for other systems to subscribe to, with the filter `attributes:status`: the doctor's echoes pass there too."
  value       = google_pubsub_topic.flow["outcomes"].id
}

output "deployment" {
  description = "The deployment, as `wayout doctor` reads it."
  value       = local._deployment
  depends_on = [
    google_pubsub_subscription.flow,
    google_pubsub_topic_iam_member.sink_writes,
  ]
}
