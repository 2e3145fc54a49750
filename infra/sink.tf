# Audit log entries that may concern a way out, from all that is watched, to one topic.
locals {
  # The same methods that wayout.cloud.events reads, the same entries that it sets aside: tests/infra holds both together.
  # Our own writes stay out, except for a connector's: its finished entry is what others wait for.
  _filter = <<-EOT
    (
      log_id("cloudaudit.googleapis.com/activity")
      AND (
        (
          protoPayload.serviceName="run.googleapis.com"
          AND protoPayload.methodName=~"^google\.cloud\.run\.v[12]\.Jobs\.(Create|Replace|Update|Delete)Job$"
          AND NOT (protoPayload.methodName=~"^google\.cloud\.run\.v2\." AND ${local._begun})
          AND (severity<ERROR OR ((protoPayload.status.message:"run.allowedVPCEgress" OR protoPayload.status.details.violations.type:"run.allowedVPCEgress") AND NOT protoPayload.methodName:"DeleteJob"))
          AND NOT ${local._ours}
        )
        OR (
          protoPayload.serviceName="vpcaccess.googleapis.com"
          AND protoPayload.methodName=~"^google\.cloud\.vpcaccess\.v1(beta1)?\.VpcAccessService\.(Create|Update|Delete)Connector$"
          AND NOT ${local._begun}
        )
        OR (
          protoPayload.serviceName="compute.googleapis.com"
          AND protoPayload.methodName=~"^((v1|beta|alpha)\.)?compute\.(firewalls|routers|subnetworks)\.(insert|patch|update|delete|setPrivateIpGoogleAccess|expandIpCidrRange)$"
          AND protoPayload.resourceName=~"/(wayout-|aet-[a-z0-9]+-wayout-)"
          AND severity<ERROR
          AND NOT ${local._begun}
          AND NOT ${local._ours}
        )
      )
    )
    OR log_id("wayout-doctor")
  EOT

  # The first of the two entries of a long operation; one that failed at once has no second.
  _begun = "(operation.first=true AND NOT operation.last=true AND severity<ERROR)"
  # Our account, our client, and nobody who impersonates the account.
  _ours = "(protoPayload.authenticationInfo.principalEmail=\"${google_service_account.runtime.email}\" AND protoPayload.requestMetadata.callerSuppliedUserAgent:\"wayout/\" AND NOT protoPayload.authenticationInfo.serviceAccountDelegationInfo:*)"

  # A host's own project too, where its rules and NATs change. An organisation's sink sees it anyway.
  _sink_projects = local._scope == "organization" ? toset([]) : setunion(local._projects, var.network_projects)

  _sink = {
    name        = "wayout"
    description = "What may concern a Cloud Run job's way out, for Wayout."
    destination = "pubsub.googleapis.com/${google_pubsub_topic.flow["events"].id}"
  }
}

resource "google_logging_project_sink" "events" {
  for_each = local._sink_projects

  project                = each.key
  name                   = local._sink.name
  description            = local._sink.description
  destination            = local._sink.destination
  filter                 = local._filter
  unique_writer_identity = true
}

resource "google_logging_folder_sink" "events" {
  for_each = local._folder

  folder           = each.value
  name             = local._sink.name
  description      = local._sink.description
  destination      = local._sink.destination
  filter           = local._filter
  include_children = true
}

resource "google_logging_organization_sink" "events" {
  for_each = local._organization

  org_id           = each.key
  name             = local._sink.name
  description      = local._sink.description
  destination      = local._sink.destination
  filter           = local._filter
  include_children = true
}

locals {
  _sinks = merge(
    google_logging_project_sink.events,
    google_logging_folder_sink.events,
    google_logging_organization_sink.events,
  )
}

resource "google_pubsub_topic_iam_member" "sink_writes" {
  for_each = local._sinks

  project = var.project
  topic   = google_pubsub_topic.flow["events"].name
  role    = "roles/pubsub.publisher"
  member  = each.value.writer_identity
}
