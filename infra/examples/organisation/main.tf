# Wayout for every job of an organisation, from a project of its own, with the networks of a Shared VPC's host. Its values
# are in terraform.tfvars.
module "wayout" {
  source = "../.."

  project       = var.project
  region        = var.region
  watch         = var.watch
  policy        = var.policy
  slack_channel = var.slack_channel

  network_projects     = var.network_projects
  shared_vpc           = var.shared_vpc
  job_service_accounts = var.job_service_accounts
  senders              = var.senders
  alerts               = var.alerts
  labels               = var.labels

  # Prevention, beside detection: only once the policy says `mode: enforce`, and every service has its way out too.
  # require_vpc_egress = ["all-traffic", "private-ranges-only"]
}

provider "google" {
  project = var.project
  region  = var.region

  # Some APIs, such as that of organisation policies, ask who pays where a person calls them.
  user_project_override = true
  billing_project       = var.project
}

output "next_step" {
  value = module.wayout.next_step
}

output "deployment" {
  value = module.wayout.deployment
}
