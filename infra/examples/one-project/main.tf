# Wayout in the project that it looks after: the smallest deployment there is. Its values are in terraform.tfvars.
module "wayout" {
  source = "../.."

  project       = var.project
  region        = var.region
  watch         = var.watch
  policy        = var.policy
  slack_channel = var.slack_channel

  job_service_accounts = var.job_service_accounts
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
