# Containers only: values are added with `gcloud secrets versions add` and never enter the state. A deployment gets a
# secret by the number that `secret_versions` pins, read when an instance starts.

locals {
  pinned_secrets = { for name, secret in local.secrets : name => secret if contains(keys(var.secret_versions), name) }

  secret_readers = merge([
    for name, secret in local.secrets : { for account in secret.deployments : "${name}.${account}" => { secret = name, account = account } }
  ]...)
}

resource "google_secret_manager_secret" "all" {
  for_each = local.secrets

  secret_id = each.key

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = local.secret_readers

  secret_id = google_secret_manager_secret.all[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.members[each.value.account]
}
