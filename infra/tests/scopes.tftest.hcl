# Who is watched decides where the sink and the roles are; nothing else changes.
provider "google" {
  project = "acme-egress"
}

variables {
  project = "acme-egress"
  region  = "europe-west2"
  policy  = "examples/one-project/policy.yaml"
  bundle  = "versions.tf" # any file that is there
  watch   = { projects = ["acme-apps", "acme-orders"] }
}

run "each_project_has_a_sink_and_both_roles" {
  command = plan

  assert {
    condition     = toset(keys(google_logging_project_sink.events)) == toset(["acme-apps", "acme-orders"])
    error_message = "one sink in each project"
  }
  assert {
    condition = toset(keys(google_project_iam_member.runtime)) == toset([
      "acme-apps/workload", "acme-apps/network", "acme-orders/workload", "acme-orders/network", "acme-egress/home",
    ])
    error_message = "the workload's and the network's role in each project, the home's in its own"
  }
}

run "a_network_project_alone_has_the_networks_role" {
  command = plan
  variables {
    network_projects = ["acme-network"]
  }

  assert {
    condition     = contains(keys(google_logging_project_sink.events), "acme-network")
    error_message = "a sink where rules and NATs change"
  }
  assert {
    condition = toset(keys(google_project_iam_member.runtime)) == toset([
      "acme-apps/workload", "acme-orders/workload", "acme-network/network", "acme-egress/home",
    ])
    error_message = "the network's role where the networks are, and nowhere else"
  }
}

run "a_folder_has_one_sink_for_all_below_it" {
  command = plan
  variables {
    watch = { folder = "5678", organization = "1234" }
  }

  assert {
    condition     = google_logging_folder_sink.events["5678"].include_children && length(google_logging_project_sink.events) == 0
    error_message = "the folder's sink, with its children"
  }
  assert {
    condition     = toset(keys(google_folder_iam_member.runtime)) == toset(["workload", "network"])
    error_message = "both roles on the folder"
  }
}

run "an_organisation_has_one_sink_and_roles_of_its_own" {
  command = plan
  variables {
    watch            = { organization = "1234" }
    network_projects = ["acme-network"]
  }

  assert {
    condition     = google_logging_organization_sink.events["1234"].include_children && length(google_logging_folder_sink.events) == 0
    error_message = "the organisation's sink, with its children"
  }
  assert {
    condition     = keys(google_organization_iam_member.runtime) == ["workload"] && keys(google_project_iam_member.runtime) == ["acme-egress/home", "acme-network/network"]
    error_message = "the workload's role on the organisation, the network's in the network's project"
  }
}

run "where_an_organisation_is_held_to_vpc_egress_wayouts_own_project_is_not" {
  command = plan
  variables {
    watch              = { organization = "1234" }
    require_vpc_egress = ["all-traffic"]
  }

  assert {
    condition     = keys(google_org_policy_policy.vpc_egress) == ["1234"]
    error_message = "the organisation is held to it"
  }
  assert {
    condition     = google_org_policy_policy.home[0].parent == "projects/acme-egress" && google_org_policy_policy.home[0].spec[0].rules[0].allow_all == "TRUE"
    error_message = "Wayout's functions would be refused"
  }
}

run "of_projects_that_are_held_to_vpc_egress_wayouts_own_is_none" {
  command = plan
  variables {
    watch              = { projects = ["acme-apps", "acme-egress"] }
    require_vpc_egress = ["all-traffic"]
  }

  assert {
    condition     = keys(google_org_policy_policy.vpc_egress) == ["acme-apps"] && length(google_org_policy_policy.home) == 0
    error_message = "its own project is left alone"
  }
}

run "nothing_of_organisation_policies_is_touched_unasked" {
  command = plan

  assert {
    condition     = length(google_project_service.org_policy) + length(google_org_policy_policy.vpc_egress) + length(google_org_policy_policy.home) == 0
    error_message = "neither the API nor a policy"
  }
}

run "slack_is_not_mounted_before_its_channel_is_named" {
  command = plan

  assert {
    condition     = length(google_cloudfunctions2_function.door["on_outcome"].service_config[0].secret_environment_variables) == 0
    error_message = "a secret without a version would refuse the deployment"
  }
}

run "slack_is_mounted_into_the_one_function_that_needs_it" {
  command = plan
  variables {
    slack_channel = "#egress"
  }

  assert {
    condition = [
      for name, door in google_cloudfunctions2_function.door : name if length(door.service_config[0].secret_environment_variables) > 0
    ] == ["on_outcome"]
    error_message = "only on_outcome holds the token"
  }
}
