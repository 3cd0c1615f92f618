# Topics, and who gets what is published: functions by push, BigQuery directly, and the dead letters.

locals {
  defaults = local.catalogue.subscription_defaults

  subscriptions = {
    for name, entry in local.catalogue.subscriptions : name => {
      topic        = entry.topic
      ack_deadline = try(entry.ack_deadline, local.defaults.ack_deadline)
      # Named null where there is none: the dead letters' own subscription.
      dead_letter_topic = contains(keys(entry), "dead_letter_topic") ? entry.dead_letter_topic : local.defaults.dead_letter_topic
      deployment        = try(entry.push.deployment, null)
      path              = try(entry.push.path, null)
      table             = try(entry.bigquery.table, null)
      # By hand, such as the dead letters that are kept.
      pulled = !contains(keys(entry), "push") && !contains(keys(entry), "bigquery")
    }
  }
}

# Google makes this account when Pub/Sub is first used; the grants below need it before.
resource "google_project_service_identity" "pubsub" {
  provider = google-beta

  service = "pubsub.googleapis.com"

  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic" "all" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt everything; a key of one's own that is lost takes the data with it
  for_each = toset(local.catalogue.topics)

  name = each.key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.publishes

  topic  = google_pubsub_topic.all[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = local.members[each.value.account]
}

resource "google_pubsub_subscription" "all" {
  for_each = local.subscriptions

  name                       = each.key
  topic                      = google_pubsub_topic.all[each.value.topic].id
  ack_deadline_seconds       = each.value.ack_deadline
  message_retention_duration = "${local.defaults.retention_days * 86400}s"

  # Without this, a subscription on which nothing happened for a month is deleted.
  expiration_policy {
    ttl = ""
  }

  # Not for what is pulled by hand: after a look at it, the next pull would find nothing for up to ten minutes.
  dynamic "retry_policy" {
    for_each = each.value.pulled ? [] : [local.defaults]

    content {
      minimum_backoff = "${retry_policy.value.min_backoff}s"
      maximum_backoff = "${retry_policy.value.max_backoff}s"
    }
  }

  dynamic "dead_letter_policy" {
    for_each = each.value.dead_letter_topic == null ? [] : [each.value.dead_letter_topic]

    content {
      dead_letter_topic     = google_pubsub_topic.all[dead_letter_policy.value].id
      max_delivery_attempts = local.defaults.max_delivery_attempts
    }
  }

  dynamic "push_config" {
    for_each = each.value.deployment == null ? [] : [each.value.deployment]

    content {
      push_endpoint = "${local.addresses[push_config.value]}${each.value.path}"

      oidc_token {
        service_account_email = local.emails["push"]
        audience              = local.addresses[push_config.value]
      }
    }
  }

  # Fields that the table does not have are not dropped but refused: the message ends among the dead letters.
  dynamic "bigquery_config" {
    for_each = each.value.table == null ? [] : [each.value.table]

    content {
      table               = "${var.project_id}.${google_bigquery_dataset.warehouse.dataset_id}.${google_bigquery_table.all[bigquery_config.value].table_id}"
      use_table_schema    = true
      drop_unknown_fields = false
      write_metadata      = false
    }
  }

  # A push that nobody may receive, or a table that may not be written, would only fill the dead letters.
  depends_on = [
    google_bigquery_table_iam_member.pubsub_writes,
    google_cloud_run_v2_service_iam_member.calls,
    google_pubsub_topic_iam_member.dead_letters,
  ]
}

# Dead-lettering is Pub/Sub's own act: without these two grants messages would be delivered again for ever.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = toset(distinct([for entry in local.subscriptions : entry.dead_letter_topic if entry.dead_letter_topic != null]))

  topic  = google_pubsub_topic.all[each.key].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent

  depends_on = [google_project_service_identity.pubsub]
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = { for name, entry in local.subscriptions : name => entry if entry.dead_letter_topic != null }

  subscription = google_pubsub_subscription.all[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent

  depends_on = [google_project_service_identity.pubsub]
}
