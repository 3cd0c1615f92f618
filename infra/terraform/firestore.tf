# The database that holds all state, with the indexes that the catalogue lists and the lives that it ends.

locals {
  collections = local.catalogue.firestore.collections

  # Collections that are written for each turn: every field's own index is off, but for those in `indexed`.
  without_indexes = toset([for name, entry in local.collections : name if contains(keys(entry), "indexed")])

  # One entry for each field that differs from its collection: `order` in the scopes listed, and whether it ends a life.
  fields = merge([
    for name, entry in local.collections : merge(
      { for field, scope in try(entry.indexed, {}) : "${name}.${field}" => {
        collection = name, field = field, ttl = false, automatic = false
        scopes     = [scope == "group" ? "COLLECTION_GROUP" : "COLLECTION"]
      } },
      # What was automatic must be said too, once anything is said about a field.
      { for field in try(entry.group, []) : "${name}.${field}" => {
        collection = name, field = field, ttl = false, automatic = true, scopes = ["COLLECTION", "COLLECTION_GROUP"]
      } },
      try({ "${name}.${entry.ttl}" = { collection = name, field = entry.ttl, ttl = true, automatic = false, scopes = [] } }, {}),
    )
  ]...)

  indexes = {
    for entry in local.catalogue.firestore.indexes :
    join(".", compact([entry.collection, try(entry.group, false) ? "group" : "", join(".", try(entry.fields, [])), try(entry.vector, ""), tostring(try(entry.dimension, ""))])) => {
      collection = entry.collection
      scope      = try(entry.group, false) ? "COLLECTION_GROUP" : "COLLECTION"
      fields = concat(
        [
          for text in try(entry.fields, []) : {
            path     = trimsuffix(trimprefix(text, "-"), "[]")
            order    = endswith(text, "[]") ? null : startswith(text, "-") ? "DESCENDING" : "ASCENDING"
            contains = endswith(text, "[]")
            vector   = null
          }
        ],
        try([{ path = entry.vector, order = null, contains = false, vector = entry.dimension }], []),
      )
    }
  }
}

resource "google_firestore_database" "main" {
  name                              = var.firestore.database
  location_id                       = coalesce(var.firestore.location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "PESSIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.keep_data ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = local.data_deletion

  depends_on = [google_project_service.used]
}

resource "google_firestore_backup_schedule" "daily" {
  database        = google_firestore_database.main.name
  retention       = "${var.firestore.backup_days * 86400}s"
  deletion_policy = local.data_deletion

  daily_recurrence {}
}

# `*` is every field that has no entry of its own.
resource "google_firestore_field" "all_of_collection" {
  for_each = local.without_indexes

  database        = google_firestore_database.main.name
  collection      = each.key
  field           = "*"
  deletion_policy = local.data_deletion

  index_config {}
}

resource "google_firestore_field" "one" {
  for_each = local.fields

  database        = google_firestore_database.main.name
  collection      = each.value.collection
  field           = each.value.field
  deletion_policy = local.data_deletion
  # Ending a life may wait: nothing relies on the moment, and switching it on takes many minutes.
  skip_wait = each.value.ttl

  index_config {
    dynamic "indexes" {
      for_each = toset(flatten([for scope in each.value.scopes : [for order in ["ASCENDING", "DESCENDING"] : "${scope} ${order}"]]))

      content {
        query_scope = split(" ", indexes.value)[0]
        order       = split(" ", indexes.value)[1]
      }
    }

    dynamic "indexes" {
      for_each = each.value.automatic ? ["CONTAINS"] : []

      content {
        query_scope  = "COLLECTION"
        array_config = indexes.value
      }
    }
  }

  dynamic "ttl_config" {
    for_each = each.value.ttl ? [true] : []

    content {}
  }
}

resource "google_firestore_index" "all" {
  for_each = local.indexes

  database        = google_firestore_database.main.name
  collection      = each.value.collection
  query_scope     = each.value.scope
  deletion_policy = local.data_deletion

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.path
      order        = fields.value.order
      array_config = fields.value.contains ? "CONTAINS" : null

      dynamic "vector_config" {
        for_each = fields.value.vector == null ? [] : [fields.value.vector]

        content {
          dimension = vector_config.value
          flat {}
        }
      }
    }
  }
}
