# Wayout in the project that it looks after: the smallest deployment there is.
module "wayout" {
  source = "../.."

  project       = "acme-apps"
  region        = "europe-west2"
  watch         = { projects = ["acme-apps"] }
  policy        = "${path.module}/policy.yaml"
  slack_channel = "" # set it once the token is in its secret: see the output next_step
}

provider "google" {
  project = "acme-apps"
  region  = "europe-west2"

  # Some APIs, such as that of organisation policies, ask who pays where a person calls them.
  user_project_override = true
  billing_project       = "acme-apps"
}

output "next_step" {
  value = module.wayout.next_step
}

output "deployment" {
  value = module.wayout.deployment
}
