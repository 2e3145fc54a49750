# A Shared VPC: what the agents of service projects need in the host, whichever side the connector lies on, and on the
# direct road.
locals {
  _service_projects = var.shared_vpc == null ? toset([]) : var.shared_vpc.service_projects

  # Google makes an agent when its API is enabled; before that nothing can be granted to it.
  _agent_apis = {
    for pair in setproduct(setsubtract(local._service_projects, [var.project]), ["run.googleapis.com", "vpcaccess.googleapis.com"]) :
    "${pair[0]}/${pair[1]}" => { project = pair[0], service = pair[1] }
  }

  # On each named subnet, for each service project: the two agents that make connectors, and Cloud Run's, which puts jobs
  # of the direct road there.
  _subnet_users = var.shared_vpc == null ? {} : {
    for use in flatten([
      for region, subnets in var.shared_vpc.subnets : [
        for subnet in subnets : [
          for project in local._service_projects : [
            for agent in ["vpcaccess", "apis", "run"] : { region = region, subnet = subnet, project = project, agent = agent }
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

locals {
  _agents = {
    for project, found in data.google_project.service : project => {
      vpcaccess = "serviceAccount:service-${found.number}@gcp-sa-vpcaccess.iam.gserviceaccount.com"
      apis      = "serviceAccount:${found.number}@cloudservices.gserviceaccount.com"
      run       = "serviceAccount:service-${found.number}@serverless-robot-prod.iam.gserviceaccount.com"
    }
  }
}

resource "google_project_service" "agent" {
  for_each = local._agent_apis

  project            = each.value.project
  service            = each.value.service
  disable_on_destroy = false # others in the project may use it

  depends_on = [google_project_service.home]
}

resource "google_compute_subnetwork_iam_member" "service_project_uses" {
  for_each = local._subnet_users

  project    = var.shared_vpc.host
  region     = each.value.region
  subnetwork = each.value.subnet
  role       = "roles/compute.networkUser"
  member     = local._agents[each.value.project][each.value.agent]

  depends_on = [google_project_service.home, google_project_service.agent]
}

# For connectors in the host project: the Cloud Run agent of each service project attaches them.
resource "google_project_iam_member" "run_agent_attaches" {
  for_each = local._service_projects

  project = var.shared_vpc.host
  role    = "roles/vpcaccess.user"
  member  = local._agents[each.key].run

  depends_on = [google_project_service.home, google_project_service.agent]
}

# For the direct road: using a subnet is granted on it, looking at its network only on the project.
resource "google_project_iam_member" "run_agent_looks" {
  for_each = length(local._subnet_users) > 0 ? local._service_projects : toset([])

  project = var.shared_vpc.host
  role    = "roles/compute.networkViewer"
  member  = local._agents[each.key].run

  depends_on = [google_project_service.home, google_project_service.agent]
}
