# Bad settings are refused before anything is planned; the messages are in variables.tf.

mock_provider "google" {}

mock_provider "google-beta" {}

variables {
  project_id  = "agenthub-sample"
  environment = "dev"
}

run "a_project_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}

run "a_region_without_gateway" {
  command = plan

  variables {
    region = "europe-west4"
  }

  expect_failures = [var.region]
}

run "an_environment_with_a_dash" {
  command = plan

  variables {
    environment = "my-prod"
  }

  expect_failures = [var.environment]
}

run "the_laptops_environment" {
  command = plan

  variables {
    environment = "local"
  }

  expect_failures = [var.environment]
}

run "the_latest_secret" {
  command = plan

  variables {
    secret_versions = { openai-api-key = "latest" }
  }

  expect_failures = [var.secret_versions]
}

run "an_unknown_secret" {
  command = plan

  variables {
    secret_versions = { no-such-secret = "1" }
  }

  expect_failures = [var.secret_versions]
}

run "limits_of_nothing" {
  command = plan

  variables {
    limits = { no-such-deployment = { max_instances = 1 } }
  }

  expect_failures = [var.limits]
}

run "no_instances" {
  command = plan

  variables {
    limits = { agents-chat = { max_instances = 0 } }
  }

  expect_failures = [var.limits]
}

run "half_a_cpu" {
  command = plan

  variables {
    limits = { agents-chat = { cpu = 0.5 } }
  }

  expect_failures = [var.limits]
}

run "an_archive_without_a_hash" {
  command = plan

  variables {
    archives = { agents-api = "agents-api.zip" }
  }

  expect_failures = [var.archives]
}

run "a_lock_without_retention" {
  command = plan

  variables {
    archive = { retention_days = 0, locked = true }
  }

  expect_failures = [var.archive]
}

run "a_budget_of_nothing" {
  command = plan

  variables {
    budget = { billing_account = "012345-6789AB-CDEF01", amount = 0.5 }
  }

  expect_failures = [var.budget]
}

run "an_account_that_is_none" {
  command = plan

  variables {
    budget = { billing_account = "my-account", amount = 5 }
  }

  expect_failures = [var.budget]
}

run "a_domain_with_scheme" {
  command = plan

  variables {
    cdn_domain = "https://cdn.example.com"
  }

  expect_failures = [var.cdn_domain]
}

run "an_origin_with_path" {
  command = plan

  variables {
    console_origins = ["https://example.com/console"]
  }

  expect_failures = [var.console_origins]
}

run "a_database_in_capitals" {
  command = plan

  variables {
    firestore = { database = "Main" }
  }

  expect_failures = [var.firestore]
}

run "backups_for_a_year" {
  command = plan

  variables {
    firestore = { backup_days = 365 }
  }

  expect_failures = [var.firestore]
}

run "a_mail_that_is_none" {
  command = plan

  variables {
    alerts = { emails = ["operations"] }
  }

  expect_failures = [var.alerts]
}

run "errors_in_percent" {
  command = plan

  variables {
    alerts = { error_share = 5 }
  }

  expect_failures = [var.alerts]
}

run "an_unknown_provider" {
  command = plan

  variables {
    models = { default = "gemini-3.5-flash" }
  }

  expect_failures = [var.models]
}

run "a_model_in_the_clear" {
  command = plan

  variables {
    models = { openai_base_url = "http://models.example.com/v1" }
  }

  expect_failures = [var.models]
}

run "a_country_by_name" {
  command = plan

  variables {
    seller = { country = "Germany" }
  }

  expect_failures = [var.seller]
}

run "half_a_day" {
  command = plan

  variables {
    terms = { payment_days = 13.5 }
  }

  expect_failures = [var.terms]
}

run "a_label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "chat" }
  }

  expect_failures = [var.labels]
}

run "logs_for_ever" {
  command = plan

  variables {
    logs = { retention_days = 0 }
  }

  expect_failures = [var.logs]
}
