# Each deployment of the catalogue: its archive, the function that Cloud Build makes of it, and who may call it.

locals {
  bundles_folder = coalesce(var.bundles_folder, "${path.module}/../../dist/bundles")
  manifest       = "${local.bundles_folder}/manifest.json"
  # The name holds the hash of the content: a new name is a new archive, and only that deployment is built again.
  archives = var.archives != null ? var.archives : try(jsondecode(file(local.manifest)), {})

  # The original system's names for the same addresses.
  aliases = {
    AGENT_SERVICE_URL     = "agents-api"
    ANALYTICS_SERVICE_URL = "analytics-api"
    BILLING_SERVICE_URL   = "billing-api"
    DASHBOARD_SERVICE_URL = "dashboard-api"
    MY_AGENTS_SERVICE_URL = "my-agents-api"
    WIDGET_SERVICE_URL    = "widgets-api"
    WIDGETS_SERVICE_URL   = "widgets-api"
  }

  # What every function finds in its environment (functions/shared/config.py); an empty value is like none.
  environment = merge(
    {
      ARCHIVE_BUCKET          = google_storage_bucket.archive.name
      BIGQUERY_DATASET_ID     = google_bigquery_dataset.warehouse.dataset_id
      CDN_BUCKET              = google_storage_bucket.cdn.name
      CDN_URL                 = local.cdn_url
      CHAT_URL                = local.chat_url
      CONSOLE_ORIGINS         = join(",", local.console_origins)
      CONSOLE_URL             = "${local.cdn_url}/console/index.html"
      CREDIT_DAYS             = tostring(var.terms.credit_days)
      DEFAULT_MODEL           = var.models.default
      EMBEDDING_MODEL         = var.models.embedding
      ENVIRONMENT             = var.environment
      FIRESTORE_DATABASE      = google_firestore_database.main.name
      GOOGLE_CLOUD_PROJECT_ID = var.project_id
      INVOICE_GRACE_HOURS     = tostring(var.terms.grace_hours)
      PAYMENT_DAYS            = tostring(var.terms.payment_days)
      PUBLIC_URL              = local.public_url
      SELLER_NAME             = var.seller.name
      TRIAL_CAP               = tostring(var.terms.trial_cap)
      VERTEX_LOCATION         = var.models.vertex_location
      WORKERS                 = "1"
    },
    { for name, value in {
      MAIL_FROM       = var.mail_from
      OPENAI_BASE_URL = coalesce(var.models.openai_base_url, " ")
      PAYMENT_TERMS   = var.terms.payment_terms
      SELLER_ADDRESS  = var.seller.address
      SELLER_COUNTRY  = var.seller.country
      SELLER_EMAIL    = var.seller.email
      SELLER_VAT_ID   = var.seller.vat_id
    } : name => value if trimspace(value) != "" },
    { for name, address in local.addresses : "${upper(replace(name, "-", "_"))}_URL" => address },
    { for alias, name in local.aliases : alias => local.addresses[name] },
  )

  limits = {
    for name, entry in local.deployments : name => {
      concurrency   = coalesce(try(var.limits[name].concurrency, null), entry.concurrency)
      cpu           = coalesce(try(var.limits[name].cpu, null), entry.cpu)
      max_instances = coalesce(try(var.limits[name].max_instances, null), entry.max_instances)
      memory        = coalesce(try(var.limits[name].memory, null), entry.memory)
      min_instances = coalesce(try(var.limits[name].min_instances, null), 0)
    }
  }
}

resource "google_storage_bucket_object" "archive" {
  for_each = local.deployments

  bucket = google_storage_bucket.source.name
  name   = try(local.archives[each.key], "missing")
  source = "${local.bundles_folder}/${try(local.archives[each.key], "missing")}"

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = can(local.archives[each.key])
      error_message = "There is no archive of ${each.key} in ${local.manifest}. Run `nox -s bundle` first."
    }
  }
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys encrypt everything; a key of one's own that is lost takes the data with it
  location      = var.region
  repository_id = "agenthub-functions"
  description   = "What Cloud Build makes of the archives."
  format        = "DOCKER"

  cleanup_policies {
    id     = "keep-for-rolling-back"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = local.members["build"]
}

resource "google_storage_bucket_iam_member" "build" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = local.members["build"]
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = local.members["build"]
}

resource "google_cloudfunctions2_function" "deployed" {
  #checkov:skip=CKV_GCP_124:API Gateway and other functions do not count as internal traffic; IAM refuses everybody else
  for_each = local.deployments

  name        = each.key
  location    = var.region
  description = "AgentHub: functions/${each.value.folder}, entry point ${each.value.entry_point}."
  labels      = { deployment = each.key }

  build_config {
    runtime           = "python313"
    entry_point       = each.value.entry_point
    docker_repository = google_artifact_registry_repository.images.id
    service_account   = "projects/${var.project_id}/serviceAccounts/${local.emails["build"]}"

    # Google patches the base image; what we install stays as the archive's requirements pin it.
    automatic_update_policy {}

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.archive[each.key].name
      }
    }
  }

  service_config {
    available_cpu                    = tostring(local.limits[each.key].cpu)
    available_memory                 = local.limits[each.key].memory
    timeout_seconds                  = each.value.timeout
    max_instance_request_concurrency = local.limits[each.key].concurrency
    min_instance_count               = local.limits[each.key].min_instances
    max_instance_count               = local.limits[each.key].max_instances
    service_account_email            = local.emails[each.key]
    # API Gateway is not among what Cloud Run calls internal; IAM is what keeps strangers out.
    ingress_settings               = "ALLOW_ALL"
    all_traffic_on_latest_revision = true

    environment_variables = merge(local.environment, {
      DEPLOYMENT = each.key
      CALLERS    = join(",", [for caller in each.value.callers : "agenthub-${caller}@${var.project_id}.iam.gserviceaccount.com"])
      # As many threads as requests: fewer would let requests queue inside the instance.
      THREADS = tostring(local.limits[each.key].concurrency)
    })

    dynamic "secret_environment_variables" {
      for_each = { for name, secret in local.pinned_secrets : name => secret if contains(secret.deployments, each.key) }

      content {
        key        = secret_environment_variables.value.setting
        project_id = data.google_project.this.number
        secret     = google_secret_manager_secret.all[secret_environment_variables.key].secret_id
        version    = var.secret_versions[secret_environment_variables.key]
      }
    }
  }

  # A revision without its rights, or a build without its own, fails to start.
  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_project_iam_member.build_logs,
    google_project_iam_member.firestore,
    google_secret_manager_secret_iam_member.reads,
    google_storage_bucket_iam_member.build,
  ]
}

# Nobody else can call a function: there is no grant to allUsers, and what the gateway lets through comes as `gateway`.
resource "google_cloud_run_v2_service_iam_member" "calls" {
  for_each = local.calls

  location = google_cloudfunctions2_function.deployed[each.value.deployment].location
  name     = google_cloudfunctions2_function.deployed[each.value.deployment].name
  role     = "roles/run.invoker"
  member   = local.members[each.value.caller]
}
