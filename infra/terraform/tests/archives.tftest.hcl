# A changed function changes its own archive name and nothing of the others.

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

run "before" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "dev"
    front_end_folder = "./tests/front_end"
    archives         = run.facts.before
  }

  assert {
    condition     = output.archives == run.facts.before
    error_message = "Each deployment is made of the archive that the bundler named."
  }
}

run "after_a_change_in_billing" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "dev"
    front_end_folder = "./tests/front_end"
    archives         = run.facts.after
  }

  assert {
    condition     = toset([for name, archive in output.archives : name if archive != run.before.archives[name]]) == toset([for name, entry in run.facts.catalogue.deployments : name if entry.folder == "billing"])
    error_message = "Billing's archives have new names, and no other."
  }
}

run "without_archives" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "dev"
    front_end_folder = "./tests/front_end"
    bundles_folder   = "./tests/no-such-folder"
  }

  expect_failures = [google_storage_bucket_object.archive]
}

run "without_a_front_end" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    environment      = "dev"
    front_end_folder = "./tests/no-such-folder"
    archives         = run.facts.before
  }

  expect_failures = [check.front_end_is_built]
}
