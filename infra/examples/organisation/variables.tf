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

# What an organisation has beyond them; nothing of it has to be given.
variable "network_projects" {
  type    = set(string)
  default = []
}

variable "shared_vpc" {
  type = object({
    host             = string
    service_projects = set(string)
    subnets          = optional(map(set(string)), {})
  })
  default = null
}

variable "job_service_accounts" {
  type    = set(string)
  default = []
}

variable "senders" {
  type    = set(string)
  default = []
}

variable "alerts" {
  type = object({
    emails   = optional(set(string), [])
    channels = optional(set(string), [])
    minutes  = optional(number, 45)
  })
  default = {}
}

variable "labels" {
  type    = map(string)
  default = {}
}
