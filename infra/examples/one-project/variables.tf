# The five values of a deployment; ../../variables.tf says what they mean, and refuses what makes no sense.
variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "watch" {
  type = object({
    projects     = optional(set(string), [])
    folder       = optional(string)
    organization = optional(string)
  })
}

variable "policy" {
  type = string
}

variable "slack_channel" {
  type = string
}

# What `mode: enforce` takes beyond them.
variable "job_service_accounts" {
  type    = set(string)
  default = []
}
