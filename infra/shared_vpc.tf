# A Shared VPC: what the agents of service projects need in the host, whichever side the connector lies on.
locals {
  _service_projects = var.shared_vpc == null ? toset([]) : var.shared_vpc.service_projects

  # On each named subnet, for each service project, its two agents that make connectors.
  _subnet_users = var.shared_vpc == null ? {} : {
    for use in flatten([
      for region, subnets in var.shared_vpc.subnets : [
        for subnet in subnets : [
          for project in local._service_projects : [
            for agent in ["vpcaccess", "apis"] : { region = region, subnet = subnet, project = project, agent = agent }
          ]
        ]
      ]
    ]) : "${use.region}/${use.subnet}/${use.project}/${use.agent}" => use
  }
}

data "google_project" "service" {
  for_each = local._service_projects

  project_id = each.key
}

resource "google_compute_subnetwork_iam_member" "service_project_uses" {
  for_each = local._subnet_users

  project    = var.shared_vpc.host
  region     = each.value.region
  subnetwork = each.value.subnet
  role       = "roles/compute.networkUser"
  member = (
    each.value.agent == "vpcaccess"
    ? "serviceAccount:service-${data.google_project.service[each.value.project].number}@gcp-sa-vpcaccess.iam.gserviceaccount.com"
    : "serviceAccount:${data.google_project.service[each.value.project].number}@cloudservices.gserviceaccount.com"
  )

  depends_on = [google_project_service.home]
}

# For connectors in the host project: the Cloud Run agent of each service project attaches them.
resource "google_project_iam_member" "run_agent_attaches" {
  for_each = local._service_projects

  project = var.shared_vpc.host
  role    = "roles/vpcaccess.user"
  member  = "serviceAccount:service-${data.google_project.service[each.key].number}@serverless-robot-prod.iam.gserviceaccount.com"

  depends_on = [google_project_service.home]
}
