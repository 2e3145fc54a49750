# What is watched, said once for the sink, the roles and the organisation policy.
locals {
  _scope        = var.watch.folder != null ? "folder" : var.watch.organization != null ? "organization" : "projects"
  _folder       = local._scope == "folder" ? { (var.watch.folder) = "folders/${var.watch.folder}" } : {}
  _organization = local._scope == "organization" ? { (var.watch.organization) = "organizations/${var.watch.organization}" } : {}
  _projects     = local._scope == "projects" ? var.watch.projects : toset([])

  # The projects whose networks may be changed, where they are known by name.
  _network_projects = length(var.network_projects) > 0 ? var.network_projects : local._projects

  labels = merge({ app = "wayout" }, var.labels)
}

data "google_project" "home" {
  project_id = var.project
}
