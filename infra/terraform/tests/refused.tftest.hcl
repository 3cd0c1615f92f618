# Bad settings are refused before anything is planned, several at once; what the messages say is in variables.tf.

mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_resource "google_apikeys_key" {
    defaults = { key_string = "a-browser-key" }
  }
}

mock_provider "google-beta" {
  override_during = plan

  mock_resource "google_api_gateway_gateway" {
    defaults = { default_hostname = "agenthub-abc123.uc.gateway.dev" }
  }
}

run "facts" {
  module {
    source = "./tests/facts"
  }
}

run "once" {
  command = plan

  variables {
    project_id       = "123456789012"
    environment      = "my-prod"
    front_end_folder = "./tests/front_end"
    archives         = run.facts.unhashed
    region           = "europe-west4"
    secret_versions  = { openai-api-key = "latest" }
    limits           = { no-such-deployment = { max_instances = 1 } }
    archive          = { retention_days = 0, locked = true }
    budget           = { billing_account = "012345-6789AB-CDEF01", amount = 0.5 }
    cdn_domain       = "https://cdn.example.com"
    console_origins  = ["https://example.com/console"]
    firestore        = { database = "Main" }
    alerts           = { emails = ["operations"] }
    models           = { default = "gemini-3.5-flash" }
    seller           = { country = "Germany" }
    terms            = { payment_days = 13.5 }
    labels           = { Team = "chat" }
    logs             = { retention_days = 0 }
  }

  expect_failures = [
    var.alerts,
    var.archive,
    var.archives,
    var.budget,
    var.cdn_domain,
    var.console_origins,
    var.environment,
    var.firestore,
    var.labels,
    var.limits,
    var.logs,
    var.models,
    var.project_id,
    var.region,
    var.secret_versions,
    var.seller,
    var.terms,
  ]
}

run "again" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "local"
    front_end_folder = "./tests/front_end"
    archives         = run.facts.before
    secret_versions  = { no-such-secret = "1" }
    limits           = { agents-chat = { max_instances = 0 } }
    archive          = { retention_days = -1 }
    budget           = { billing_account = "my-account", amount = 5 }
    cdn_domain       = "localhost"
    console_origins  = ["example.com"]
    firestore        = { backup_days = 365 }
    google_sign_in   = { client_id = "my-client", client_secret = "" }
    alerts           = { error_share = 5 }
    models           = { openai_base_url = "http://models.example.com/v1" }
    terms            = { grace_hours = -1 }
    logs             = { retention_days = 5000 }
  }

  expect_failures = [
    var.alerts,
    var.archive,
    var.budget,
    var.cdn_domain,
    var.console_origins,
    var.environment,
    var.firestore,
    var.google_sign_in,
    var.limits,
    var.logs,
    var.models,
    var.secret_versions,
    var.terms,
  ]
}

run "a_third_time" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "dev"
    front_end_folder = "./tests/front_end"
    archives         = run.facts.before
    limits           = { agents-chat = { cpu = 0.5 } }
    alerts           = { uptime_period_s = 120 }
  }

  expect_failures = [
    var.alerts,
    var.limits,
  ]
}
