# One of every type that the stub provider knows, each with what is required and some of what is optional.
terraform {
  required_version = ">= 1.7"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 7.0"
    }
  }
}

provider "google" {
  project        = "my-project"
  region         = "europe-west2"
  default_labels = { owner = "network" }
}

variable "words" {
  type    = string
  default = "hello"
}

data "google_client_config" "here" {}

data "google_project" "home" {}

data "google_folder" "apps" {
  folder              = "folders/123456789012"
  lookup_organization = true
}

data "google_organization" "acme" {
  domain = "acme.example"
}

data "google_storage_project_service_account" "agent" {}

data "archive_file" "source" {
  type        = "zip"
  output_path = "made/source.zip"

  source {
    filename = "main.py"
    content  = var.words
  }
}
