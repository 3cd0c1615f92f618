# Who signs in to the console: people with e-mail and password, and with Google where that is set up. A Google project has
# this configuration for ever, so a destroy leaves it.

resource "google_identity_platform_config" "people" {
  project                    = var.project_id
  authorized_domains         = distinct(concat([local.mail_actions_host, local.cdn_host], [for origin in var.console_origins : split(":", split("/", origin)[2])[0]]))
  autodelete_anonymous_users = true

  sign_in {
    allow_duplicate_emails = false

    email {
      enabled           = true
      password_required = true
    }
  }

  depends_on = [google_project_service.used]
}

# "Continue with Google" in the console. The client's authorised redirect address is the output console_url.
resource "google_identity_platform_default_supported_idp_config" "google" {
  count = local.google_sign_in ? 1 : 0

  project       = var.project_id
  idp_id        = "google.com"
  client_id     = var.google_sign_in.client_id
  client_secret = var.google_sign_in.client_secret
  enabled       = true

  depends_on = [google_identity_platform_config.people]
}

locals {
  # Whether, not what: only the client's secret is one.
  google_sign_in = nonsensitive(var.google_sign_in != null)

  # Identity Platform's own page, to which its mails lead (a new password, a confirmed address). It calls with the key that
  # asked for the mail.
  mail_actions_host = "${var.project_id}.firebaseapp.com"
}

# Names the project in the console's sign-in calls; it is public, so it is good for nothing else and nowhere else. The
# name of a deleted key stays taken for thirty days, hence the number.
resource "google_apikeys_key" "console" {
  name         = "agenthub-console-${var.console_key}"
  display_name = "AgentHub console"

  restrictions {
    api_targets {
      service = "identitytoolkit.googleapis.com"
    }
    api_targets {
      service = "securetoken.googleapis.com"
    }
    browser_key_restrictions {
      allowed_referrers = [for origin in concat(local.console_origins, ["https://${local.mail_actions_host}"]) : "${origin}/*"]
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.used]
}

# The predefined role may also delete people and read their password hashes.
resource "google_project_iam_custom_role" "people" {
  role_id     = "agenthubPeople"
  title       = "AgentHub people"
  description = "Reads people's accounts and sets their claims."
  permissions = ["firebaseauth.users.get", "firebaseauth.users.update"]

  depends_on = [google_project_service.used]
}

resource "google_project_iam_member" "people" {
  for_each = local.knows_people

  project = var.project_id
  role    = google_project_iam_custom_role.people.name
  member  = local.members[each.key]
}
