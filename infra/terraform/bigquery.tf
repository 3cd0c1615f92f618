# The warehouse: what Pub/Sub writes of usage, conversations, ledger and invoices. No page of the console is read from it.

locals {
  tables   = local.catalogue.bigquery.tables
  routines = local.catalogue.bigquery.routines
  # Who asks the warehouse anything.
  askers = toset([for use in local.reads_tables : use.account])
}

resource "google_bigquery_dataset" "warehouse" {
  #checkov:skip=CKV_GCP_81:Google's own keys encrypt everything; a key of one's own that is lost takes the data with it
  dataset_id      = "agenthub_${var.environment}"
  location        = var.region
  description     = "AgentHub's usage, conversations, ledger and invoices; no content of any conversation."
  deletion_policy = local.data_deletion
  # Nothing in it expires: it is the evidence behind every invoice.
  delete_contents_on_destroy = false

  depends_on = [google_project_service.used]
}

resource "google_bigquery_table" "all" {
  #checkov:skip=CKV_GCP_80:Google's own keys encrypt everything; a key of one's own that is lost takes the data with it
  #checkov:skip=CKV_GCP_121:deletion_policy ABANDON keeps the tables, and lets a destroy of the rest go through
  for_each = local.tables

  dataset_id               = google_bigquery_dataset.warehouse.dataset_id
  table_id                 = each.key
  clustering               = each.value.cluster
  require_partition_filter = true
  # `deletion_policy` keeps the table and lets a destroy go through; the protection would stop the destroy.
  deletion_protection = false
  deletion_policy     = local.data_deletion

  time_partitioning {
    type  = "DAY"
    field = each.value.partition
  }

  # A trailing ! is REQUIRED. A column that is new must be NULLABLE and is added in place.
  schema = jsonencode([
    for name, kind in each.value.columns : {
      name = name
      type = trimsuffix(kind, "!")
      mode = endswith(kind, "!") ? "REQUIRED" : "NULLABLE"
    }
  ])
}

# A table is read through these: they drop what at-least-once delivery stored twice.
resource "google_bigquery_routine" "all" {
  for_each = local.routines

  dataset_id      = google_bigquery_dataset.warehouse.dataset_id
  routine_id      = each.key
  routine_type    = "TABLE_VALUED_FUNCTION"
  language        = "SQL"
  description     = each.value.description
  definition_body = trimspace(replace(each.value.sql, "{dataset}", "${var.project_id}.${google_bigquery_dataset.warehouse.dataset_id}"))
  deletion_policy = local.data_deletion

  dynamic "arguments" {
    for_each = each.value.arguments

    content {
      name      = split(" ", arguments.value)[0]
      data_type = jsonencode({ typeKind = split(" ", arguments.value)[1] })
    }
  }

  # The body is checked when it is made.
  depends_on = [google_bigquery_table.all]
}

resource "google_project_iam_member" "asks_bigquery" {
  for_each = local.askers

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = local.members[each.key]
}

# To see the table functions; what they read is granted table by table.
resource "google_bigquery_dataset_iam_member" "sees_routines" {
  for_each = local.askers

  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  role       = "roles/bigquery.metadataViewer"
  member     = local.members[each.key]
}

resource "google_bigquery_table_iam_member" "reads" {
  for_each = local.reads_tables

  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  table_id   = google_bigquery_table.all[each.value.table].table_id
  role       = "roles/bigquery.dataViewer"
  member     = local.members[each.value.account]
}

# Pub/Sub itself writes the rows: no function runs for it.
resource "google_bigquery_table_iam_member" "pubsub_writes" {
  for_each = toset([for entry in local.subscriptions : entry.table if entry.table != null])

  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  table_id   = google_bigquery_table.all[each.key].table_id
  role       = "roles/bigquery.dataEditor"
  member     = local.pubsub_agent

  depends_on = [google_project_service_identity.pubsub]
}
