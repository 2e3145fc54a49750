# What Wayout may do: custom roles that hold the permissions of roles.yaml and nothing else, each with its reason there.
locals {
  _roles = yamldecode(file("${path.module}/roles.yaml"))

  # A custom role lives in a project, or for a folder or organisation in the organisation.
  _project_roles = {
    for pair in concat(
      [for project in local._projects : { project = project, role = "workload" }],
      [for project in local._network_projects : { project = project, role = "network" }],
      [{ project = var.project, role = "home" }],
    ) : "${pair.project}/${pair.role}" => pair
  }
  _organization_roles = local._scope == "projects" ? toset([]) : toset(
    length(var.network_projects) > 0 ? ["workload"] : ["workload", "network"]
  )
}

resource "google_project_iam_custom_role" "runtime" {
  for_each = local._project_roles

  project     = each.value.project
  role_id     = "wayout_${each.value.role}"
  title       = local._roles[each.value.role].title
  description = "Made by Terraform for ${google_service_account.runtime.email}."
  permissions = keys(local._roles[each.value.role].permissions)
}

resource "google_project_iam_member" "runtime" {
  for_each = local._project_roles

  project = each.value.project
  role    = google_project_iam_custom_role.runtime[each.key].id
  member  = google_service_account.runtime.member
}

resource "google_organization_iam_custom_role" "runtime" {
  for_each = local._organization_roles

  org_id      = var.watch.organization
  role_id     = "wayout_${each.key}"
  title       = local._roles[each.key].title
  description = "Made by Terraform for ${google_service_account.runtime.email}."
  permissions = keys(local._roles[each.key].permissions)
}

resource "google_folder_iam_member" "runtime" {
  for_each = local._scope == "folder" ? local._organization_roles : toset([])

  folder = "folders/${var.watch.folder}"
  role   = google_organization_iam_custom_role.runtime[each.key].id
  member = google_service_account.runtime.member
}

resource "google_organization_iam_member" "runtime" {
  for_each = local._scope == "organization" ? local._organization_roles : toset([])

  org_id = var.watch.organization
  role   = google_organization_iam_custom_role.runtime[each.key].id
  member = google_service_account.runtime.member
}
