# Wayout for every job of an organisation, from a project of its own, with the networks of a Shared VPC's host.
module "wayout" {
  source = "../.."

  project          = "acme-egress"
  region           = "europe-west2"
  watch            = { organization = "123456789012" }
  network_projects = ["acme-network"]
  policy           = "${path.module}/policy.yaml"
  slack_channel    = "#egress"

  job_service_accounts = [
    "orders@acme-orders.iam.gserviceaccount.com",
    "reports@acme-reports.iam.gserviceaccount.com",
  ]

  shared_vpc = {
    host             = "acme-network"
    service_projects = ["acme-orders", "acme-reports"]
    subnets          = { "europe-west2" = ["serverless-orders"] }
  }

  senders = ["serviceAccount:billing@acme-orders.iam.gserviceaccount.com"]
  alerts  = { emails = ["network-team@example.com"] }
  labels  = { team = "network" }

  # Prevention, beside detection: only once the policy says `mode: enforce`, and every service has its way out too.
  # require_vpc_egress = ["all-traffic", "private-ranges-only"]
}

provider "google" {
  project = "acme-egress"
  region  = "europe-west2"

  # Some APIs, such as that of organisation policies, ask who pays where a person calls them.
  user_project_override = true
  billing_project       = "acme-egress"
}

output "next_step" {
  value = module.wayout.next_step
}

output "deployment" {
  value = module.wayout.deployment
}
