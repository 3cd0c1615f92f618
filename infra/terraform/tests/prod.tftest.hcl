# What customers use: everything kept, everything optional switched on.

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

override_resource {
  target          = google_pubsub_topic.all["dead-letters"]
  override_during = plan
  values          = { id = "projects/agenthub-sample/topics/dead-letters" }
}

run "prod" {
  command = plan

  variables {
    project_id       = "agenthub-sample"
    region           = "europe-west1"
    archives         = run.facts.before
    front_end_folder = "./tests/front_end"
    environment      = run.facts.prod.environment
    keep_data        = run.facts.prod.keep_data
    archive          = run.facts.prod.archive
    firestore        = run.facts.prod.firestore
    logs             = run.facts.prod.logs
    alerts           = { emails = ["operations@example.com"] }
    budget           = { billing_account = "012345-6789AB-CDEF01", amount = 500 }
    cdn_domain       = "cdn.example.com"
    google_sign_in   = { client_id = "123-abc.apps.googleusercontent.com", client_secret = "a-secret" }
    secret_versions  = { openai-api-key = "3" }
    seller           = { name = "Example Ltd", address = "1 High Street|London", country = "GB" }
  }

  # Pub/Sub.
  assert {
    condition     = toset(keys(google_pubsub_topic.all)) == toset(run.facts.catalogue.topics)
    error_message = "Every topic of the catalogue exists."
  }
  assert {
    condition     = alltrue([for topic in google_pubsub_topic.all : topic.message_storage_policy[0].allowed_persistence_regions == toset(["europe-west1"])])
    error_message = "Messages stay in the installation's region."
  }
  assert {
    condition     = toset(keys(google_pubsub_subscription.all)) == toset(keys(run.facts.catalogue.subscriptions))
    error_message = "Every subscription of the catalogue exists."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.subscriptions : (
        google_pubsub_subscription.all[name].push_config[0].push_endpoint == "https://${entry.push.deployment}-123456789012.europe-west1.run.app${entry.push.path}" &&
        google_pubsub_subscription.all[name].push_config[0].oidc_token[0].audience == "https://${entry.push.deployment}-123456789012.europe-west1.run.app" &&
        google_pubsub_subscription.all[name].push_config[0].oidc_token[0].service_account_email == "agenthub-push@agenthub-sample.iam.gserviceaccount.com" &&
        length(google_pubsub_subscription.all[name].push_config[0].no_wrapper) == 0
      ) if can(entry.push)
    ])
    error_message = "A push carries the push account's token for the deployment that it calls."
  }
  assert {
    condition = alltrue([
      for name, subscription in google_pubsub_subscription.all : (
        subscription.expiration_policy[0].ttl == "" &&
        subscription.message_retention_duration == "604800s" &&
        (name == "dead-letters.kept" ? length(subscription.retry_policy) == 0 : (
          subscription.retry_policy[0].minimum_backoff == "10s" &&
          subscription.retry_policy[0].maximum_backoff == "600s"
        ))
      )
    ])
    error_message = "Every subscription keeps messages a week and never expires, and what is not pulled by hand repeats with back-off."
  }
  assert {
    condition = alltrue([
      for name, subscription in google_pubsub_subscription.all : (
        length(subscription.dead_letter_policy) == 1 &&
        subscription.dead_letter_policy[0].dead_letter_topic == "projects/agenthub-sample/topics/dead-letters" &&
        subscription.dead_letter_policy[0].max_delivery_attempts == 10 &&
        google_pubsub_subscription_iam_member.dead_letters[name].role == "roles/pubsub.subscriber"
      ) if !startswith(name, "dead-letters.")
    ])
    error_message = "Every subscription has its dead letters, and Pub/Sub the right to take the message off it."
  }
  assert {
    condition     = alltrue([for name in ["dead-letters.relay", "dead-letters.kept"] : length(google_pubsub_subscription.all[name].dead_letter_policy) == 0]) && length(google_pubsub_subscription.all["dead-letters.kept"].push_config) == 0
    error_message = "Dead letters are counted by one subscription, and kept for a replay by another that nobody reads."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.threshold["undelivered"].conditions[0].condition_threshold[0].filter, "subscription_id != \"dead-letters.kept\"")
    error_message = "What is kept on purpose is no message that is not delivered."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.dead_letters["dead-letters"].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub may publish dead letters."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.subscriptions : (
        google_pubsub_subscription.all[name].bigquery_config[0].table == "agenthub-sample.agenthub_prod.${entry.bigquery.table}" &&
        google_pubsub_subscription.all[name].bigquery_config[0].use_table_schema &&
        !google_pubsub_subscription.all[name].bigquery_config[0].drop_unknown_fields &&
        google_bigquery_table_iam_member.pubsub_writes[entry.bigquery.table].role == "roles/bigquery.dataEditor" &&
        google_bigquery_table_iam_member.pubsub_writes[entry.bigquery.table].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
      ) if can(entry.bigquery)
    ])
    error_message = "Pub/Sub writes to each table by itself, refuses what the table does not know, and may write it."
  }

  # Firestore.
  assert {
    condition = (
      google_firestore_database.main.type == "FIRESTORE_NATIVE" &&
      google_firestore_database.main.location_id == "europe-west1" &&
      google_firestore_database.main.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" &&
      google_firestore_database.main.delete_protection_state == "DELETE_PROTECTION_ENABLED" &&
      google_firestore_database.main.deletion_policy == "ABANDON"
    )
    error_message = "The database is native, in the region, recoverable and protected."
  }
  assert {
    condition     = google_firestore_backup_schedule.daily.retention == "3024000s" && length(google_firestore_backup_schedule.daily.daily_recurrence) == 1
    error_message = "There is a backup every day, kept as long as prod.tfvars says."
  }
  assert {
    condition     = length(google_firestore_index.all) == length(run.facts.catalogue.firestore.indexes)
    error_message = "Every index of the catalogue exists."
  }
  assert {
    condition = alltrue([
      for entry in run.facts.catalogue.firestore.indexes : anytrue([
        for index in google_firestore_index.all : (
          index.collection == entry.collection &&
          index.query_scope == (try(entry.group, false) ? "COLLECTION_GROUP" : "COLLECTION") &&
          [for field in index.fields : join(" ", compact([field.field_path, field.order, field.array_config]))] == concat(
            [
              for text in try(entry.fields, []) : (
                endswith(text, "[]") ? "${trimsuffix(text, "[]")} CONTAINS" : startswith(text, "-") ? "${trimprefix(text, "-")} DESCENDING" : "${text} ASCENDING"
              )
            ],
            try([entry.vector], []),
          ) &&
          [for field in index.fields : field.vector_config[0].dimension if length(field.vector_config) > 0] == try([entry.dimension], [])
        )
      ])
    ])
    error_message = "An index has the catalogue's fields in their order, - descending and [] array-contains."
  }
  assert {
    condition = toset(keys(google_firestore_field.all_of_collection)) == toset([
      for name, entry in run.facts.catalogue.firestore.collections : name if can(entry.indexed)
    ])
    error_message = "What is written for each turn has no index of its own but those named."
  }
  assert {
    condition     = alltrue([for field in google_firestore_field.all_of_collection : field.field == "*" && length(field.index_config[0].indexes) == 0])
    error_message = "Such a collection's other fields have no index at all."
  }
  assert {
    condition = alltrue(flatten([
      for name, entry in run.facts.catalogue.firestore.collections : [
        for field, scope in try(entry.indexed, {}) : toset([for index in google_firestore_field.one["${name}.${field}"].index_config[0].indexes : "${index.query_scope} ${index.order}"])
        == toset([for order in ["ASCENDING", "DESCENDING"] : "${scope == "group" ? "COLLECTION_GROUP" : "COLLECTION"} ${order}"])
      ]
    ]))
    error_message = "A named field is indexed both ways in its scope."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.firestore.collections : (
        length(google_firestore_field.one["${name}.${entry.ttl}"].ttl_config) == 1 &&
        length(google_firestore_field.one["${name}.${entry.ttl}"].index_config[0].indexes) == 0
      ) if can(entry.ttl)
    ])
    error_message = "A field that ends lives does, and is not indexed."
  }
  assert {
    condition     = length(google_firestore_field.one["members.uid"].index_config[0].indexes) == 5
    error_message = "A field that is found in all collections of its name keeps its own index too."
  }

  # BigQuery.
  assert {
    condition     = toset(keys(google_bigquery_table.all)) == toset(keys(run.facts.catalogue.bigquery.tables))
    error_message = "Every table of the catalogue exists."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.bigquery.tables : (
        google_bigquery_table.all[name].require_partition_filter &&
        google_bigquery_table.all[name].time_partitioning[0].type == "DAY" &&
        google_bigquery_table.all[name].time_partitioning[0].field == entry.partition &&
        google_bigquery_table.all[name].clustering == tolist(entry.cluster) &&
        { for column in jsondecode(google_bigquery_table.all[name].schema) : column.name => "${column.type}${column.mode == "REQUIRED" ? "!" : ""}" } == { for column, kind in entry.columns : column => kind }
      )
    ])
    error_message = "A table has the catalogue's columns, partition and clusters, and demands a partition filter."
  }
  assert {
    condition     = alltrue([for table in google_bigquery_table.all : table.deletion_policy == "ABANDON"]) && google_bigquery_dataset.warehouse.deletion_policy == "ABANDON"
    error_message = "Kept data survives a destroy."
  }
  assert {
    condition = alltrue([
      for name, entry in run.facts.catalogue.bigquery.routines : (
        google_bigquery_routine.all[name].routine_type == "TABLE_VALUED_FUNCTION" &&
        tolist([for argument in google_bigquery_routine.all[name].arguments : "${argument.name} ${jsondecode(argument.data_type).typeKind}"]) == tolist(entry.arguments) &&
        strcontains(google_bigquery_routine.all[name].definition_body, "`agenthub-sample.agenthub_prod.") &&
        !strcontains(google_bigquery_routine.all[name].definition_body, "{dataset}")
      )
    ])
    error_message = "A table function has the catalogue's arguments in their order and reads this data set."
  }

  # Schedules.
  assert {
    condition = toset(keys(google_cloud_scheduler_job.all)) == toset(keys(run.facts.catalogue.schedules)) && alltrue([
      for name, entry in run.facts.catalogue.schedules : (
        google_cloud_scheduler_job.all[name].schedule == entry.cron &&
        google_cloud_scheduler_job.all[name].time_zone == "Etc/UTC" &&
        google_cloud_scheduler_job.all[name].retry_config[0].retry_count == 5 &&
        google_cloud_scheduler_job.all[name].http_target[0].uri == "https://${entry.deployment}-123456789012.europe-west1.run.app${entry.path}" &&
        google_cloud_scheduler_job.all[name].http_target[0].oidc_token[0].audience == "https://${entry.deployment}-123456789012.europe-west1.run.app"
      )
    ])
    error_message = "A schedule calls its deployment in UTC, with a token, and tries again."
  }

  # Gateway.
  assert {
    condition = (
      google_api_gateway_api_config.main.gateway_config[0].backend_config[0].google_service_account == "agenthub-gateway@agenthub-sample.iam.gserviceaccount.com" &&
      google_api_gateway_api_config.main.api_config_id == "c-${substr(sha256(base64decode(google_api_gateway_api_config.main.openapi_documents[0].document[0].contents)), 0, 16)}"
    )
    error_message = "A config is named by its content and calls as the gateway's account."
  }
  assert {
    condition = alltrue([
      for backend in values(yamldecode(base64decode(google_api_gateway_api_config.main.openapi_documents[0].document[0].contents))["x-google-api-management"].backends) :
      can(regex("^https://[a-z-]+-123456789012\\.europe-west1\\.run\\.app$", backend.address)) && backend.jwtAudience == backend.address
    ])
    error_message = "The contract that is deployed leads to this installation's functions."
  }

  # Secrets.
  assert {
    condition = alltrue(flatten([
      for function in google_cloudfunctions2_function.deployed : [for secret in function.service_config[0].secret_environment_variables : can(regex("^[0-9]+$", secret.version))]
    ]))
    error_message = "Every secret is pinned by number."
  }
  assert {
    condition = toset([
      for name, function in google_cloudfunctions2_function.deployed : name if anytrue([for secret in function.service_config[0].secret_environment_variables : secret.secret == "openai-api-key" && secret.version == "3" && secret.key == "OPENAI_API_KEY"])
    ]) == toset(run.facts.catalogue.secrets.openai-api-key.deployments)
    error_message = "A pinned secret reaches the deployments that the catalogue names."
  }

  # What browsers fetch.
  assert {
    condition     = google_storage_bucket_iam_member.cdn_public.member == "allUsers" && google_storage_bucket_iam_member.cdn_public.role == "roles/storage.legacyObjectReader"
    error_message = "Anybody may read the CDN's files, and nobody may list them."
  }
  assert {
    condition     = google_storage_bucket.archive.public_access_prevention == "enforced" && google_storage_bucket.source.public_access_prevention == "enforced"
    error_message = "Invoices and sources can never be made public."
  }
  assert {
    condition     = google_storage_bucket.archive.retention_policy[0].retention_period == "315360000" && google_storage_bucket.archive.versioning[0].enabled
    error_message = "Final invoices cannot be deleted for as long as prod.tfvars says."
  }
  assert {
    condition = toset(keys(google_storage_bucket_object.front_end)) == toset([
      "v1/widget.js", "v1/widget-0123456789abcdef.js", "console/index.html", "console/preview.html", "console/try.html",
      "console/icon.svg", "console/assets/main-0123abcd.js",
    ])
    error_message = "Both front ends are uploaded, without what only the build needs."
  }
  assert {
    condition = alltrue([
      for path, object in google_storage_bucket_object.front_end :
      object.cache_control == (strcontains(path, "0123") ? "public, max-age=31536000, immutable" : "public, max-age=60") &&
      object.deletion_policy == (strcontains(path, "0123") ? "ABANDON" : "DELETE")
    ])
    error_message = "Hashed files are kept for ever, in caches and in the bucket; the others for a minute."
  }
  assert {
    condition = alltrue([
      for path, type in { "console/try.html" = "text/html; charset=utf-8", "console/icon.svg" = "image/svg+xml", "v1/widget.js" = "text/javascript; charset=utf-8" } :
      google_storage_bucket_object.front_end[path].content_type == type
    ])
    error_message = "Browsers are told what each file is: the icon would not be drawn, a page not shown otherwise."
  }
  assert {
    condition = alltrue([
      for page in ["index", "try", "preview"] : strcontains(
        google_storage_bucket_object.front_end["console/${page}.html"].content,
        "img-src 'self' ${local.console_hosts}; connect-src 'self' ${local.console_hosts}; base-uri 'none'",
      )
    ]) && !strcontains(local.console_hosts, "https: ") && strcontains(local.console_hosts, "https://agenthub-abc123.uc.gateway.dev https://")
    error_message = "A page of the console asks this installation's hosts and Google's identity, no other."
  }
  assert {
    condition     = google_storage_bucket.cdn.cors[0].origin == tolist(["*"])
    error_message = "Customers' pages fetch the widget's files."
  }
  assert {
    condition     = google_compute_global_forwarding_rule.cdn["cdn"].load_balancing_scheme == "EXTERNAL_MANAGED" && google_compute_backend_bucket.cdn["cdn"].enable_cdn && google_compute_managed_ssl_certificate.cdn["cdn"].managed[0].domains == tolist(["cdn.example.com"])
    error_message = "A domain of one's own has its load balancer, CDN and certificate."
  }
  assert {
    condition     = google_cloudfunctions2_function.deployed["widgets-api"].service_config[0].environment_variables.CDN_URL == "https://cdn.example.com" && output.widget_url == "https://cdn.example.com/v1/widget.js" && output.console_url == "https://cdn.example.com/console/index.html"
    error_message = "What is printed and embedded bears the domain."
  }
  assert {
    condition     = jsondecode(google_storage_bucket_object.console_config.content).api_url == "https://agenthub-abc123.uc.gateway.dev" && jsondecode(google_storage_bucket_object.console_config.content).identity_key == "a-browser-key"
    error_message = "The console finds the API and the sign-in."
  }

  # Identity Platform.
  assert {
    condition     = google_identity_platform_config.people.sign_in[0].email[0].password_required && !google_identity_platform_config.people.sign_in[0].allow_duplicate_emails && contains(google_identity_platform_config.people.authorized_domains, "cdn.example.com")
    error_message = "People sign in with e-mail and password, from the console's domain."
  }
  assert {
    condition     = toset(flatten([for restriction in google_apikeys_key.console.restrictions : [for target in restriction.api_targets : target.service]])) == toset(["identitytoolkit.googleapis.com", "securetoken.googleapis.com"])
    error_message = "The console's key opens the sign-in and nothing else."
  }
  assert {
    condition     = toset(google_apikeys_key.console.restrictions[0].browser_key_restrictions[0].allowed_referrers) == toset(["https://cdn.example.com/*", "https://agenthub-sample.firebaseapp.com/*"])
    error_message = "The console's key works on its pages and on the page to which a mail about a new password leads."
  }
  assert {
    condition     = google_identity_platform_default_supported_idp_config.google[0].idp_id == "google.com" && google_identity_platform_default_supported_idp_config.google[0].enabled && jsondecode(google_storage_bucket_object.console_config.content).google
    error_message = "With an OAuth client people may sign in with Google, and the console offers it."
  }

  # Operations.
  assert {
    condition     = toset(keys(google_monitoring_alert_policy.threshold)) == toset(["errors", "latency", "turns", "undelivered", "dead_lettered"]) && toset(keys(google_monitoring_alert_policy.uptime)) == toset(["gateway", "widget"])
    error_message = "There are alerts about errors, latency, queues, dead letters and reachability."
  }
  assert {
    condition     = toset(keys(google_monitoring_alert_policy.alarm)) == toset(["any_other", "dead_letters", "metering", "reconciliation", "stale_prices", "strange_events", "unsent_events"])
    error_message = "There are alerts about what the code itself alarms of."
  }
  assert {
    condition     = alltrue([for policy in concat(values(google_monitoring_alert_policy.threshold), values(google_monitoring_alert_policy.alarm), values(google_monitoring_alert_policy.uptime), [google_monitoring_alert_policy.schedules, google_monitoring_alert_policy.metering_silence]) : length(policy.notification_channels) == 1 && policy.documentation[0].content != ""])
    error_message = "Every alert reaches somebody and says what to do."
  }
  assert {
    condition     = alltrue([for check in google_monitoring_uptime_check_config.outside : check.period == "900s"]) && google_monitoring_uptime_check_config.outside["gateway"].http_check[0].accepted_response_status_codes[0].status_value == 404
    error_message = "The uptime checks wake no function."
  }
  assert {
    condition     = alltrue([for metric in concat(values(google_logging_metric.operations), [google_logging_metric.requests, google_logging_metric.alarms]) : alltrue([for label in metric.metric_descriptor[0].labels : !contains(["workspace_id", "request_id"], label.key)])])
    error_message = "No metric has a label with as many values as there are customers."
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.main.dashboard_json).mosaicLayout.tiles) >= 8
    error_message = "The dashboard shows something."
  }
  assert {
    condition     = google_billing_budget.monthly["project"].amount[0].specified_amount[0].units == "500" && google_billing_budget.monthly["project"].budget_filter[0].projects == toset(["projects/123456789012"])
    error_message = "The budget is this project's."
  }
  assert {
    condition     = length(google_logging_project_exclusion.requests) == 1 && google_logging_project_bucket_config.default.retention_days == 90
    error_message = "Logs are kept as prod.tfvars says, without what is said twice."
  }
}
