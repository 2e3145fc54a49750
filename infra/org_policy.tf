# Optional: a job or service without VPC egress is refused. Wayout makes the refused job's site ready and tells the flags.
# Its own functions are services without VPC egress: their project is left out, or nobody could deploy them again.
locals {
  _constrained = length(var.require_vpc_egress) == 0 ? {} : merge(
    { for project in local._projects : project => "projects/${project}" if project != var.project },
    local._folder,
    local._organization,
  )
  # What a folder or an organisation is held to, its projects inherit.
  _spared = length(var.require_vpc_egress) > 0 && local._scope != "projects"
}

resource "google_project_service" "org_policy" {
  count = length(var.require_vpc_egress) > 0 ? 1 : 0

  project            = var.project
  service            = "orgpolicy.googleapis.com"
  disable_on_destroy = false

  lifecycle {
    precondition {
      condition     = length(local._constrained) > 0
      error_message = "require_vpc_egress: Wayout's own project is all that is watched, and its functions have no VPC egress: they could not be deployed. Give Wayout a project of its own first."
    }
  }

  depends_on = [google_project_service.home]
}

resource "google_org_policy_policy" "home" {
  count = local._spared ? 1 : 0

  name   = "projects/${var.project}/policies/run.allowedVPCEgress"
  parent = "projects/${var.project}"

  spec {
    rules {
      allow_all = "TRUE"
    }
  }

  depends_on = [google_project_service.org_policy]
}

resource "google_org_policy_policy" "vpc_egress" {
  for_each = local._constrained

  name   = "${each.value}/policies/run.allowedVPCEgress"
  parent = each.value

  spec {
    rules {
      values {
        allowed_values = var.require_vpc_egress
      }
    }
  }

  depends_on = [google_org_policy_policy.home, google_project_service.org_policy] # at no moment are the functions held to it
}
