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
}

output "next_step" {
  value = module.wayout.next_step
}

output "deployment" {
  value = module.wayout.deployment
}
