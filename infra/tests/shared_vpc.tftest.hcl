# What a Shared VPC's service projects may do in the host: use the named subnets, attach connectors, and look.
provider "google" {
  project = "acme-egress"
}

variables {
  project          = "acme-egress"
  region           = "europe-west2"
  policy           = "examples/one-project/policy.yaml"
  bundle           = "versions.tf" # any file that is there
  watch            = { projects = ["acme-orders"] }
  network_projects = ["acme-network"]
  shared_vpc = {
    host             = "acme-network"
    service_projects = ["acme-orders"]
    subnets          = { "europe-west2" = ["serverless-orders"] }
  }
}

run "connectors_and_jobs_of_the_direct_road_may_use_the_subnets_that_are_named" {
  command = plan

  assert {
    condition = toset([for use in google_compute_subnetwork_iam_member.service_project_uses : replace(use.member, "/[0-9]+/", "N")]) == toset([
      "serviceAccount:service-N@gcp-sa-vpcaccess.iam.gserviceaccount.com",
      "serviceAccount:N@cloudservices.gserviceaccount.com",
      "serviceAccount:service-N@serverless-robot-prod.iam.gserviceaccount.com",
    ])
    error_message = "the agents of VPC Access, of Google's APIs and of Cloud Run"
  }
  assert {
    condition     = alltrue([for use in google_compute_subnetwork_iam_member.service_project_uses : use.role == "roles/compute.networkUser" && use.subnetwork == "serverless-orders"])
    error_message = "use of the named subnet, and of no other"
  }
  assert {
    condition     = google_project_iam_member.run_agent_looks["acme-orders"].role == "roles/compute.networkViewer" && google_project_iam_member.run_agent_looks["acme-orders"].project == "acme-network"
    error_message = "Cloud Run's agent looks at the host's network"
  }
}

run "the_agents_apis_are_enabled_in_the_service_projects" {
  command = plan

  assert {
    condition     = toset(keys(google_project_service.agent)) == toset(["acme-orders/run.googleapis.com", "acme-orders/vpcaccess.googleapis.com"])
    error_message = "an agent that is not there can be granted nothing"
  }
}

run "without_subnets_connectors_of_the_host_are_all_there_is" {
  command = plan
  variables {
    shared_vpc = { host = "acme-network", service_projects = ["acme-orders"] }
  }

  assert {
    condition     = length(google_compute_subnetwork_iam_member.service_project_uses) + length(google_project_iam_member.run_agent_looks) == 0
    error_message = "no subnet, so nothing to use or to look at"
  }
  assert {
    condition     = google_project_iam_member.run_agent_attaches["acme-orders"].role == "roles/vpcaccess.user"
    error_message = "Cloud Run's agent attaches connectors of the host"
  }
}
