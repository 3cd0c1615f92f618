# One account for each deployment, and one for each part that is no deployment: who calls (gateway, push, scheduler),
# whose tokens customers' programs and visitors carry (machines, visitors), and who builds the functions (build).
# What an account may do stands beside the resource that it may do it with; here is what belongs to the project alone.

locals {
  other_accounts = {
    build     = "Builds the functions."
    gateway   = "API Gateway, calling functions."
    machines  = "Issuer of the tokens of customers' programs; may do nothing."
    push      = "Pub/Sub, pushing to functions."
    scheduler = "Cloud Scheduler, calling functions."
    visitors  = "Issuer of the tokens of widgets' visitors; may do nothing."
  }

  # Made of the resource, so that whoever names an account waits for it, and of what is known at plan.
  emails = {
    for name, account in google_service_account.ours :
    name => "${account.account_id}@${var.project_id}.iam.gserviceaccount.com"
  }
  members = { for name, email in local.emails : name => "serviceAccount:${email}" }
}

resource "google_service_account" "ours" {
  for_each = merge(
    { for name, _ in local.deployments : name => "The deployment ${name}." },
    local.other_accounts,
  )

  account_id   = "agenthub-${each.key}"
  display_name = "AgentHub ${each.key}"
  description  = each.value

  depends_on = [google_project_service.used]
}

# Firestore cannot be divided by IAM: that each folder writes its own collections only is checked over the code.
resource "google_project_iam_member" "firestore" {
  for_each = local.deployments

  project = var.project_id
  role    = "roles/datastore.user"
  member  = local.members[each.key]
}

resource "google_project_iam_member" "models" {
  for_each = local.uses_models

  project = var.project_id
  role    = "roles/aiplatform.user"
  member  = local.members[each.key]
}

# The predefined Token Creator may also impersonate the account entirely; issuing takes this one permission.
resource "google_project_iam_custom_role" "token_signer" {
  role_id     = "agenthubTokenSigner"
  title       = "AgentHub token signer"
  description = "Signs tokens as an account and can do nothing else as it."
  permissions = ["iam.serviceAccounts.signJwt"]

  depends_on = [google_project_service.used]
}

# For signed addresses of a bucket's objects, each account as itself (storage.tf).
resource "google_project_iam_custom_role" "address_signer" {
  role_id     = "agenthubAddressSigner"
  title       = "AgentHub address signer"
  description = "Signs bytes as an account and can do nothing else as it."
  permissions = ["iam.serviceAccounts.signBlob"]

  depends_on = [google_project_service.used]
}

resource "google_service_account_iam_member" "signs" {
  for_each = local.signs

  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.emails[each.value]}"
  role               = google_project_iam_custom_role.token_signer.name
  member             = local.members[each.key]
}
