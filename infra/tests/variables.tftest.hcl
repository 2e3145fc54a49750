# What a wrong variable is answered with: before anything is planned, and by its name.
provider "google" {
  project = "acme-apps"
}

variables {
  project = "acme-apps"
  region  = "europe-west2"
  watch   = { projects = ["acme-apps"] }
  policy  = "examples/one-project/policy.yaml"
  bundle  = "versions.tf" # any file that is there
}

run "a_projects_number_is_not_its_id" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "a_zone_is_not_a_region" {
  command = plan
  variables {
    region = "europe-west2-a"
  }
  expect_failures = [var.region]
}

run "somebody_has_to_be_watched" {
  command = plan
  variables {
    watch = {}
  }
  expect_failures = [var.watch]
}

run "a_folder_needs_its_organisation" {
  command = plan
  variables {
    watch = { folder = "1234" }
  }
  expect_failures = [var.watch]
}

run "projects_or_an_organisation_but_not_both" {
  command = plan
  variables {
    watch = { projects = ["acme-apps"], organization = "1234" }
  }
  expect_failures = [var.watch]
}

run "an_organisation_is_named_by_its_digits" {
  command = plan
  variables {
    watch = { organization = "organizations/1234" }
  }
  expect_failures = [var.watch]
}

run "a_policy_that_is_not_there" {
  command = plan
  variables {
    policy = "nowhere.yaml"
  }
  expect_failures = [var.policy]
}

run "a_channel_without_its_hash" {
  command = plan
  variables {
    slack_channel = "egress"
  }
  expect_failures = [var.slack_channel]
}

run "a_service_account_that_is_a_person" {
  command = plan
  variables {
    job_service_accounts = ["jo@example.com"]
  }
  expect_failures = [var.job_service_accounts]
}

run "requests_from_everybody" {
  command = plan
  variables {
    senders = ["allAuthenticatedUsers"]
  }
  expect_failures = [var.senders]
}

run "many_deliveries_on_half_a_processor" {
  command = plan
  variables {
    functions = { cpu = "0.5" }
  }
  expect_failures = [var.functions]
}

run "a_runtime_that_the_lock_is_not_made_for" {
  command = plan
  variables {
    functions = { runtime = "python39" }
  }
  expect_failures = [var.functions]
}

run "a_ledger_too_short_to_count_idle_days" {
  command = plan
  variables {
    ledger = { days = 7 }
  }
  expect_failures = [var.ledger]
}

run "a_word_that_the_organisation_policy_does_not_know" {
  command = plan
  variables {
    require_vpc_egress = ["all"]
  }
  expect_failures = [var.require_vpc_egress]
}

run "an_alert_before_a_connector_can_be_there" {
  command = plan
  variables {
    alerts = { minutes = 2 }
  }
  expect_failures = [var.alerts]
}

run "a_policy_that_would_lock_out_wayout_itself" {
  command = plan
  variables {
    require_vpc_egress = ["all-traffic"]
  }
  expect_failures = [google_project_service.org_policy]
}

run "a_bundle_that_nobody_made" {
  command = plan
  variables {
    bundle = "nowhere.zip"
  }
  expect_failures = [google_storage_bucket_object.bundle]
}
