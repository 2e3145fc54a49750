variable "project" {
  description = "The project that Wayout lives in: functions, topics, secrets and ledger."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: write a project's id (not its number or name), such as acme-egress."
  }
}

variable "region" {
  description = "The region of the functions, the bucket and the schedule. Jobs may be in any region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write a region (not a zone), such as europe-west2."
  }
}

variable "watch" {
  description = "Whose jobs get a way out: `projects`, or all of a `folder` (with the `organization` that holds it), or all of an `organization`; ids in digits."
  type = object({
    projects     = optional(set(string), [])
    folder       = optional(string)
    organization = optional(string)
  })

  validation {
    condition     = length(var.watch.projects) > 0 || var.watch.organization != null
    error_message = "watch: name at least one project, or an organization."
  }
  validation {
    condition     = length(var.watch.projects) == 0 || var.watch.organization == null
    error_message = "watch: either projects, or an organization (and a folder of it); not both."
  }
  validation {
    condition     = var.watch.folder == null || var.watch.organization != null
    error_message = "watch.folder: name the organization too, in which the folder's roles are made."
  }
  validation {
    condition     = alltrue([for id in [var.watch.folder, var.watch.organization] : can(regex("^[0-9]+$", id)) if id != null])
    error_message = "watch: folder and organization are ids of digits only, such as 123456789012."
  }
}

variable "policy" {
  description = "Path of the policy file; check it first with `wayout policy check`."
  type        = string

  validation {
    condition     = can(yamldecode(file(var.policy)).version)
    error_message = "policy: no policy can be read there; write the path of a YAML file, and check it with: wayout policy check FILE."
  }
}

variable "slack_channel" {
  description = "Where outcomes are told, such as `#egress`; empty: nowhere."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([#@][^\\s]{1,80}|[CDG][A-Z0-9]{6,})?$", var.slack_channel))
    error_message = "slack_channel: write #channel, or a channel's id such as C0123456789."
  }
}

variable "network_projects" {
  description = "Projects whose networks Wayout may change; a Shared VPC's host, for one. Empty: those that are watched."
  type        = set(string)
  default     = []
}

variable "job_service_accounts" {
  description = "E-mail addresses of the service accounts that jobs run as; Wayout may act as each of these and no other, which changing such a job takes."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.job_service_accounts : can(regex("^[^@\\s]+@[^@\\s]+\\.gserviceaccount\\.com$", email))])
    error_message = "job_service_accounts: write e-mail addresses that end in gserviceaccount.com."
  }
}

variable "shared_vpc" {
  description = "Grants that jobs of service projects need in a Shared VPC: its `host` project, the `service_projects` (whose Cloud Run and VPC Access APIs are enabled), and the `subnets` (region to names) that their connectors, or on the direct road the jobs themselves, lie on."
  type = object({
    host             = string
    service_projects = set(string)
    subnets          = optional(map(set(string)), {})
  })
  default = null
}

variable "bundle" {
  description = "Path of the functions' bundle, made by `make bundle`; empty: dist/wayout-bundle.zip of the checkout."
  type        = string
  default     = ""
}

variable "functions" {
  description = "Size of the functions: `runtime`, `memory`, `cpu`, `concurrency` (deliveries that one instance holds while it waits for Google), `max_instances` (a brake on API quotas), and `debug` (each event that is set aside is logged too, with its reason)."
  type = object({
    runtime       = optional(string, "python312")
    memory        = optional(string, "512Mi")
    cpu           = optional(string, "1")
    concurrency   = optional(number, 32)
    max_instances = optional(number, 3)
    debug         = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^python3(1[1-4])$", var.functions.runtime))
    error_message = "functions.runtime: one of python311, python312, python313, python314."
  }
  validation {
    condition     = var.functions.concurrency >= 1 && var.functions.concurrency <= 1000
    error_message = "functions.concurrency: between 1 and 1000."
  }
  validation {
    condition     = var.functions.concurrency == 1 || tonumber(var.functions.cpu) >= 1
    error_message = "functions.cpu: a concurrency above 1 takes at least one CPU."
  }
}

variable "sweep" {
  description = "When everything is looked at, as cron text, and in which time zone; `paused` keeps it from happening."
  type = object({
    schedule  = optional(string, "17 * * * *")
    time_zone = optional(string, "Etc/UTC")
    paused    = optional(bool, false)
  })
  default = {}
}

variable "ledger" {
  description = "How long the ledger is kept, in days, and whether its bucket is `locked` for good against shortening."
  type = object({
    days   = optional(number, 400)
    locked = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.ledger.days >= 31 && var.ledger.days <= 3650
    error_message = "ledger.days: between 31 (idle sites are counted over 30 days) and 3650."
  }
}

variable "alerts" {
  description = "E-mail addresses that alerts go to, existing notification `channels` (full names), and the `minutes` that a message may wait unacknowledged, and a deployed job for its way out."
  type = object({
    emails   = optional(set(string), [])
    channels = optional(set(string), [])
    minutes  = optional(number, 45)
  })
  default = {}

  validation {
    condition     = var.alerts.minutes >= 15 && var.alerts.minutes <= 240
    error_message = "alerts.minutes: between 15 (a connector takes some, and one try of a delivery nine) and 240."
  }
}

variable "senders" {
  description = "Who may publish requests for a way out: IAM members, such as `serviceAccount:billing@acme-apps.iam.gserviceaccount.com`."
  type        = set(string)
  default     = []

  validation {
    condition     = !anytrue([for member in var.senders : contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "senders: name who may ask; allUsers and allAuthenticatedUsers are everybody."
  }
}

variable "eventarc" {
  description = "Also lay native Eventarc triggers, for the methods that Eventarc knows, in the watched project that Wayout lives in. The log sink sees more; both together do no harm."
  type        = bool
  default     = false
}

variable "require_vpc_egress" {
  description = "Values of the organisation policy `run.allowedVPCEgress` to enforce for what is watched, such as `[\"all-traffic\"]`; Wayout's own project is spared. Services and functions are held to it too. Empty: the policy is left alone."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for value in var.require_vpc_egress : contains(["all-traffic", "private-ranges-only"], value)])
    error_message = "require_vpc_egress: all-traffic, private-ranges-only, or both."
  }
}

variable "doctor" {
  description = "Command run after each apply that changed the deployment; it reads the deployment's description as JSON on standard input. Not given: `wayout doctor`, of the checkout's .venv if it is there. Empty: none."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels for everything that takes labels."
  type        = map(string)
  default     = {}
}
