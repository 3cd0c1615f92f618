# Who signs in to the console: people with e-mail and password. A Google project has this configuration for ever, so a
# destroy leaves it.

resource "google_identity_platform_config" "people" {
  project                    = var.project_id
  authorized_domains         = distinct(concat(["${var.project_id}.firebaseapp.com", local.cdn_host], [for origin in var.console_origins : split(":", split("/", origin)[2])[0]]))
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

# Names the project in the console's sign-in calls; it is public, so it is good for nothing else and nowhere else.
resource "google_apikeys_key" "console" {
  name         = "agenthub-console"
  display_name = "AgentHub console"

  restrictions {
    api_targets {
      service = "identitytoolkit.googleapis.com"
    }
    api_targets {
      service = "securetoken.googleapis.com"
    }
    browser_key_restrictions {
      allowed_referrers = [for origin in local.console_origins : "${origin}/*"]
    }
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
