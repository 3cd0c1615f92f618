# What the tests compare with: the catalogue, the two environments' settings, and names of archives as if bundles had
# been cut, before and after a change in functions/billing.

terraform {
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}

locals {
  catalogue = yamldecode(file("${path.module}/../../../catalogue.yaml"))
}

output "catalogue" {
  value = local.catalogue
}

output "dev" {
  value = provider::terraform::decode_tfvars(file("${path.module}/../../environments/dev.tfvars"))
}

output "prod" {
  value = provider::terraform::decode_tfvars(file("${path.module}/../../environments/prod.tfvars"))
}

output "before" {
  value = { for name, _ in local.catalogue.deployments : name => "${name}-${substr(sha256(name), 0, 16)}.zip" }
}

output "after" {
  value = {
    for name, entry in local.catalogue.deployments :
    name => "${name}-${substr(sha256(entry.folder == "billing" ? "${name}, changed" : name), 0, 16)}.zip"
  }
}

output "unhashed" {
  value = { for name, _ in local.catalogue.deployments : name => "${name}.zip" }
}
