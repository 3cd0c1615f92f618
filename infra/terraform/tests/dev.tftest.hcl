# What a small installation is made of, and what holds for every one.

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

run "dev" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    archives         = run.facts.before
    front_end_folder = "./tests/front_end"
    environment      = run.facts.dev.environment
    keep_data        = run.facts.dev.keep_data
    archive          = run.facts.dev.archive
    console_origins  = run.facts.dev.console_origins
    limits           = run.facts.dev.limits
    logs             = run.facts.dev.logs
  }

  # Deployments.
  assert {
    condition     = toset(keys(google_cloudfunctions2_function.deployed)) == toset(keys(run.facts.catalogue.deployments))
    error_message = "One function for each deployment of the catalogue."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.deployments : (
        google_cloudfunctions2_function.deployed[name].build_config[0].runtime == "python313" &&
        google_cloudfunctions2_function.deployed[name].build_config[0].entry_point == entry.entry_point &&
        google_cloudfunctions2_function.deployed[name].build_config[0].source[0].storage_source[0].object == run.facts.before[name]
      )
    ])
    error_message = "A function runs Python 3.13, hands out the catalogue's entry point and is made of its own archive."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.deployments : (
        google_cloudfunctions2_function.deployed[name].service_config[0].max_instance_request_concurrency == entry.concurrency &&
        google_cloudfunctions2_function.deployed[name].service_config[0].environment_variables.THREADS == tostring(entry.concurrency) &&
        google_cloudfunctions2_function.deployed[name].service_config[0].available_memory == entry.memory &&
        google_cloudfunctions2_function.deployed[name].service_config[0].timeout_seconds == entry.timeout &&
        google_cloudfunctions2_function.deployed[name].service_config[0].min_instance_count == 0 &&
        google_cloudfunctions2_function.deployed[name].service_config[0].max_instance_count == (name == "agents-chat" ? 3 : entry.max_instances)
      )
    ])
    error_message = "Concurrency, threads, memory, timeout and instances are the catalogue's; dev.tfvars changes the chat's instances only."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.deployments : google_cloudfunctions2_function.deployed[name].service_config[0].environment_variables["${upper(replace(name, "-", "_"))}_URL"]
      == "https://${name}-123456789012.us-central1.run.app"
    ])
    error_message = "Addresses are known at plan: https://SERVICE-NUMBER.REGION.run.app."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.deployments : google_cloudfunctions2_function.deployed[name].service_config[0].environment_variables.CALLERS
      == join(",", [for caller in entry.callers : "agenthub-${caller}@agenthub-sample.iam.gserviceaccount.com"])
    ])
    error_message = "A function is told the e-mails of its callers."
  }
  assert {
    condition = alltrue([
      for name, function in google_cloudfunctions2_function.deployed : (
        function.service_config[0].environment_variables.DEPLOYMENT == name &&
        function.service_config[0].environment_variables.PUBLIC_URL == "https://agenthub-abc123.uc.gateway.dev" &&
        function.service_config[0].environment_variables.CHAT_URL == "https://agenthub-abc123.uc.gateway.dev" &&
        function.service_config[0].environment_variables.CDN_URL == "https://agenthub-sample-agenthub-cdn.storage.googleapis.com" &&
        function.service_config[0].environment_variables.CONSOLE_ORIGINS == "https://agenthub-sample-agenthub-cdn.storage.googleapis.com,http://localhost:8000" &&
        function.service_config[0].environment_variables.BIGQUERY_DATASET_ID == "agenthub_dev" &&
        function.service_config[0].environment_variables.AGENT_SERVICE_URL == "https://agents-api-123456789012.us-central1.run.app"
      )
    ])
    error_message = "A function knows itself, the gateway, the CDN, the data set and the original system's names."
  }
  assert {
    condition     = alltrue([for value in values(google_cloudfunctions2_function.deployed["billing-close"].service_config[0].environment_variables) : value != ""])
    error_message = "No setting is an empty text."
  }

  # Who may call.
  assert {
    condition = toset([for grant in google_cloud_run_v2_service_iam_member.calls : "${grant.name} ${grant.role} ${grant.member}"]) == toset(flatten([
      for name, entry in run.facts.catalogue.deployments : [for caller in entry.callers : "${name} roles/run.invoker serviceAccount:agenthub-${caller}@agenthub-sample.iam.gserviceaccount.com"]
    ]))
    error_message = "Exactly the catalogue's callers may call a deployment."
  }
  assert {
    condition     = alltrue([for grant in google_cloud_run_v2_service_iam_member.calls : !strcontains(grant.member, "allUsers") && !strcontains(grant.member, "allAuthenticatedUsers")])
    error_message = "Nobody calls a function without a token."
  }

  # Accounts and what they may do.
  assert {
    condition = toset([for account in google_service_account.ours : account.account_id]) == toset([
      for name in concat(keys(run.facts.catalogue.deployments), ["build", "gateway", "machines", "push", "scheduler", "visitors"]) : "agenthub-${name}"
    ])
    error_message = "One account for each deployment and each part."
  }
  assert {
    condition     = alltrue([for account in google_service_account.ours : length(account.account_id) <= 30])
    error_message = "Google takes account ids of 30 characters at most."
  }
  assert {
    condition = alltrue([
      for name, function in google_cloudfunctions2_function.deployed :
      function.service_config[0].service_account_email == "agenthub-${name}@agenthub-sample.iam.gserviceaccount.com"
    ])
    error_message = "A function runs as its own account."
  }
  assert {
    condition     = toset([for grant in google_project_iam_member.firestore : grant.member]) == toset([for name, _ in run.facts.catalogue.deployments : "serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com"])
    error_message = "Each deployment, and nobody else, reads and writes Firestore."
  }
  assert {
    condition = toset([for grant in google_pubsub_topic_iam_member.publishes : "${grant.topic} ${grant.member}"]) == toset(flatten([
      for name, may in run.facts.catalogue.access : [for topic in try(may.topics, []) : "${topic} serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com"]
    ]))
    error_message = "Topics are granted exactly as the catalogue says."
  }
  assert {
    condition = toset([for grant in google_bigquery_table_iam_member.reads : "${grant.table_id} ${grant.role} ${grant.member}"]) == toset(flatten([
      for name, may in run.facts.catalogue.access : [for table in try(may.tables, []) : "${table} roles/bigquery.dataViewer serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com"]
    ]))
    error_message = "Tables are granted exactly as the catalogue says."
  }
  assert {
    condition = toset([for grant in concat(values(google_storage_bucket_iam_member.publishes), values(google_storage_bucket_iam_member.keeps), values(google_storage_bucket_iam_member.reads)) : "${grant.bucket} ${grant.role} ${grant.member}"]) == toset(flatten([
      for name, may in run.facts.catalogue.access : [
        for bucket, how in try(may.buckets, {}) : [
          for role in(how == "keep" ? ["objectCreator", "objectViewer"] : how == "publish" ? ["objectUser"] : ["objectViewer"]) : "agenthub-sample-agenthub-${bucket} roles/storage.${role} serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com"
        ]
      ]
    ]))
    error_message = "Buckets are granted exactly as the catalogue says."
  }
  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.publishes : strcontains(grant.condition[0].expression, "/objects/v1/w/")])
    error_message = "Who publishes widgets may write nothing else in the CDN's bucket."
  }
  assert {
    condition = toset([for grant in google_secret_manager_secret_iam_member.reads : "${grant.secret_id} ${grant.member}"]) == toset(flatten([
      for name, secret in run.facts.catalogue.secrets : [for account in secret.deployments : "${name} serviceAccount:agenthub-${account}@agenthub-sample.iam.gserviceaccount.com"]
    ]))
    error_message = "Secrets are granted exactly as the catalogue says."
  }
  assert {
    condition = (
      toset([for grant in google_service_account_iam_member.signs : "${grant.member} ${grant.service_account_id}"]) == toset([
        for name, may in run.facts.catalogue.access : join("", [
          "serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com ",
          "projects/agenthub-sample/serviceAccounts/agenthub-${may.signs}@agenthub-sample.iam.gserviceaccount.com",
        ]) if can(may.signs)
      ])
    )
    error_message = "Tokens are signed by exactly whom the catalogue names, as exactly that account."
  }
  assert {
    condition = (
      toset([for grant in google_service_account_iam_member.signs_addresses : "${grant.member} ${grant.service_account_id}"]) == toset(flatten([
        for name, may in run.facts.catalogue.access : [
          for how in values(try(may.buckets, {})) : join("", [
            "serviceAccount:agenthub-${name}@agenthub-sample.iam.gserviceaccount.com ",
            "projects/agenthub-sample/serviceAccounts/agenthub-${name}@agenthub-sample.iam.gserviceaccount.com",
          ]) if how == "show"
        ]
      ]))
    )
    error_message = "Addresses are signed by exactly whom the catalogue names, each as itself."
  }
  assert {
    condition     = google_project_iam_custom_role.address_signer.permissions == toset(["iam.serviceAccounts.signBlob"])
    error_message = "Signing is all that who signs addresses may do."
  }
  assert {
    condition     = one(one(google_storage_bucket.exports.lifecycle_rule).condition).age == 7 && google_storage_bucket.exports.public_access_prevention == "enforced"
    error_message = "Exported files are nobody's but their address's, for a week."
  }
  assert {
    condition     = google_project_iam_custom_role.token_signer.permissions == toset(["iam.serviceAccounts.signJwt"])
    error_message = "Signing is all that a signer may do."
  }
  assert {
    condition = alltrue([
      for grant in concat(values(google_project_iam_member.models), values(google_project_iam_member.asks_bigquery), [google_project_iam_member.build_logs]) :
      !contains(["roles/owner", "roles/editor", "roles/viewer"], grant.role)
    ])
    error_message = "No basic role is given to anybody."
  }

  # Data that a test installation does not keep.
  assert {
    condition     = google_firestore_database.main.delete_protection_state == "DELETE_PROTECTION_DISABLED" && google_firestore_database.main.deletion_policy == "DELETE"
    error_message = "Where data is not kept, a destroy takes the database."
  }
  assert {
    condition     = length(google_storage_bucket.archive.retention_policy) == 0 && google_storage_bucket.archive.deletion_policy == "DELETE"
    error_message = "Where data is not kept, a destroy takes the invoices."
  }

  # Money and the optional parts.
  assert {
    condition     = length(google_billing_budget.monthly) == 0 && length(google_compute_global_forwarding_rule.cdn) == 0 && length(google_api_gateway_gateway.streaming) == 0
    error_message = "Nothing that costs a fixed sum, and nothing preliminary, unless somebody asks for it."
  }
  assert {
    condition     = length(google_identity_platform_default_supported_idp_config.google) == 0 && !jsondecode(google_storage_bucket_object.console_config.content).google
    error_message = "Nobody is offered a sign-in with Google that is not set up."
  }
  assert {
    condition     = length(google_logging_project_exclusion.requests) == 0 && google_logging_project_bucket_config.default.retention_days == 7
    error_message = "dev keeps every log line for a week."
  }
}
