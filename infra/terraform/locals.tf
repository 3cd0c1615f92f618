# What is computed from the catalogue, the one description of what is deployed, before any resource is.

data "google_project" "this" {
  project_id = var.project_id
}

locals {
  catalogue   = yamldecode(file("${path.module}/../catalogue.yaml"))
  deployments = local.catalogue.deployments
  secrets     = local.catalogue.secrets
  access      = local.catalogue.access

  labels = merge({ app = "agenthub", environment = var.environment }, var.labels)

  # Where API Gateway runs, as of April 2026 (cloud.google.com/api-gateway/docs/deployment-model).
  gateway_regions = [
    "asia-northeast1", "australia-southeast1", "europe-west1", "europe-west2", "us-central1",
    "us-east1", "us-east4", "us-west2", "us-west3", "us-west4",
  ]

  # What keeps data also keeps what hangs on it: an abandoned table cannot lose its data set.
  data_deletion = var.keep_data ? "ABANDON" : "DELETE"

  # Cloud Run's deterministic addresses: known before anything exists, so that the gateway, the functions among
  # themselves, push subscriptions and schedules need not wait for each other.
  addresses = {
    for name, _ in local.deployments : name => "https://${name}-${data.google_project.this.number}.${var.region}.run.app"
  }

  # Google's own account that pushes, writes to BigQuery and moves dead letters.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # One entry for each permission to call: a deployment and an account of its `callers`.
  calls = merge([
    for name, entry in local.deployments : { for caller in entry.callers : "${name}.${caller}" => { deployment = name, caller = caller } }
  ]...)

  # The catalogue's `access`, as one flat map for each kind.
  publishes = merge([
    for name, may in local.access : { for topic in try(may.topics, []) : "${name}.${topic}" => { account = name, topic = topic } }
  ]...)
  reads_tables = merge([
    for name, may in local.access : { for table in try(may.tables, []) : "${name}.${table}" => { account = name, table = table } }
  ]...)
  uses_buckets = merge([
    for name, may in local.access : { for bucket, how in try(may.buckets, {}) : "${name}.${bucket}" => { account = name, bucket = bucket, how = how } }
  ]...)
  signs        = { for name, may in local.access : name => may.signs if try(may.signs, null) != null }
  uses_models  = toset([for name, may in local.access : name if try(may.models, false)])
  knows_people = toset([for name, may in local.access : name if try(may.people, false)])
}
