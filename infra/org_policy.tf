# Optional: a job or service without VPC egress is refused. Wayout makes the refused job's site ready and tells the flags.
locals {
  _constrained = length(var.require_vpc_egress) == 0 ? {} : merge(
    { for project in local._projects : project => "projects/${project}" },
    local._folder,
    local._organization,
  )
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

  depends_on = [google_project_service.home]
}
