# What is measured, shown and told: metrics out of the functions' own log lines (functions/shared/logs.py), a dashboard,
# alerts, uptime checks that wake no function, and how long logs are kept.

locals {
  our_lines = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name, _ in local.deployments : "\"${name}\""])})"
  our_runs  = "resource.type = \"cloud_run_revision\""

  # Paid operations that logs.count() names; what a turn costs is seen in these.
  operations = ["bigquery_queries", "calls", "firestore_reads", "firestore_writes", "pubsub_publishes", "signatures", "storage_reads", "storage_writes", "stripe_requests"]

  # Alarms that have a policy of their own; every other alarm has `any other`. The texts are those in the code.
  alarms = {
    dead_letters = {
      title    = "A message could not be delivered"
      severity = "ERROR"
      messages = ["a message could not be delivered"]
      todo     = "A consumer refused a message ten times. It is kept seven days in dead-letters.kept: find out why in the log, deploy the repair, then `nox -s replay`."
    }
    metering = {
      title    = "A turn was not metered as it should"
      severity = "CRITICAL"
      messages = ["a turn could not be settled", "a turn cost more than its highest price", "a turn settled after its hold had ended; its charge is waived"]
      todo     = "The line names the turn. What was charged is never more than the hold; look whether the provider reports usage in another way."
    }
    reconciliation = {
      title    = "Figures differ"
      severity = "CRITICAL"
      messages = ["figures still differ", "figures were not compared"]
      todo     = "The daily close compared events, charges, rollups, ledger and warehouse; the line says which differ for which workspace and day. `nox -s rebuild` makes that day's figures anew; ledger and invoice rest on the events and are right either way."
    }
    stale_prices = {
      title    = "The price book is stale"
      severity = "WARNING"
      messages = ["prices were not checked for too long"]
      todo     = "Compare the named models with their provider's list, and add a version to prices.yaml or a new date of checking."
    }
    strange_events = {
      title    = "An event was not counted"
      severity = "ERROR"
      messages = ["an event older than the marks was not applied", "an event came again with another content and was kept aside"]
      todo     = "It changed no figure. Compare the event with the warehouse, and `nox -s rebuild` its day if it belongs there."
    }
    unsent_events = {
      title    = "Events wait to be published"
      severity = "ERROR"
      messages = ["events wait to be published"]
      todo     = "The relay could not publish everything that a crash left. Look at Pub/Sub's state and at dashboard-relay's log; the next run tries again."
    }
  }
  known_alarms = flatten([for alarm in values(local.alarms) : alarm.messages])

  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  # The name of a log's metric in PromQL.
  promql = "logging_googleapis_com:user_${google_logging_metric.requests.name}"

  thresholds = {
    errors = {
      title       = "Requests fail"
      severity    = "CRITICAL"
      filter      = "metric.type = \"run.googleapis.com/request_count\" AND ${local.our_runs} AND metric.labels.response_code_class = \"5xx\""
      denominator = "metric.type = \"run.googleapis.com/request_count\" AND ${local.our_runs}"
      aligner     = "ALIGN_RATE"
      group_by    = ["resource.label.service_name"]
      above       = var.alerts.error_share
      duration    = "300s"
      todo        = "More than ${var.alerts.error_share * 100} % of a deployment's requests end in 5xx. Its log has the stack trace; the deployment before is one click away in Cloud Run's revisions."
    }
    latency = {
      title       = "The API is slow"
      severity    = "WARNING"
      filter      = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.requests.name}\" AND ${local.our_runs} AND resource.labels.service_name != \"agents-chat\" AND metric.labels.caller = \"console\""
      denominator = null
      aligner     = "ALIGN_PERCENTILE_95"
      group_by    = ["resource.label.service_name"]
      above       = var.alerts.latency_ms
      duration    = "900s"
      todo        = "The 95th percentile of a deployment is above ${var.alerts.latency_ms} ms. Cold starts show in the instance count, slow queries in the operations of the log line."
    }
    turns = {
      title       = "Answers take long"
      severity    = "WARNING"
      filter      = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.requests.name}\" AND ${local.our_runs} AND resource.labels.service_name = \"agents-chat\""
      denominator = null
      aligner     = "ALIGN_PERCENTILE_95"
      group_by    = ["resource.label.service_name"]
      above       = var.alerts.turn_latency_ms
      duration    = "900s"
      todo        = "The 95th percentile of whole turns is above ${var.alerts.turn_latency_ms} ms. Most of a turn is the model's: look at the provider's status."
    }
    undelivered = {
      title       = "Messages are not delivered"
      severity    = "ERROR"
      filter      = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type = \"pubsub_subscription\"${join("", [for name, entry in local.subscriptions : " AND resource.labels.subscription_id != \"${name}\"" if entry.pulled])}"
      denominator = null
      aligner     = "ALIGN_MAX"
      group_by    = ["resource.label.subscription_id"]
      above       = var.alerts.undelivered_age_s
      duration    = "300s"
      todo        = "A message of a subscription waits longer than ${var.alerts.undelivered_age_s} s. For a .warehouse subscription look at the table's schema and the rights of Pub/Sub's own account; else at the deployment that it pushes to."
    }
    dead_lettered = {
      title       = "Dead letters are not empty"
      severity    = "ERROR"
      filter      = "metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.type = \"pubsub_subscription\""
      denominator = null
      aligner     = "ALIGN_SUM"
      group_by    = ["resource.label.subscription_id"]
      above       = 0
      duration    = "0s"
      todo        = "Pub/Sub gave up on a message of this subscription. It is kept seven days in dead-letters.kept for `nox -s replay`."
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alerts.emails)

  display_name = "AgentHub ${var.environment}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.used]
}

resource "google_logging_metric" "requests" {
  name            = "agenthub_requests"
  description     = "Each request that a function answered, with its latency in milliseconds."
  filter          = "${local.our_lines} AND jsonPayload.latency_ms>=0 AND jsonPayload.route!=\"\""
  value_extractor = "EXTRACT(jsonPayload.latency_ms)"

  # No workspace among the labels: each combination is a time series of its own.
  label_extractors = {
    caller = "EXTRACT(jsonPayload.caller)"
    route  = "EXTRACT(jsonPayload.route)"
    status = "EXTRACT(jsonPayload.status)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "ms"

    labels {
      key = "caller"
    }
    labels {
      key = "route"
    }
    labels {
      key        = "status"
      value_type = "INT64"
    }
  }

  bucket_options {
    explicit_buckets {
      bounds = [50, 100, 200, 300, 400, 500, 700, 1000, 1400, 2000, 3000, 4000, 6000, 8000, 12000, 20000, 40000, 80000]
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_logging_metric" "alarms" {
  name        = "agenthub_alarms"
  description = "Lines that say that somebody must look (logs.alarm)."
  filter      = "${local.our_lines} AND jsonPayload.alarm=true"

  label_extractors = {
    message = "EXTRACT(jsonPayload.message)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key = "message"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_logging_metric" "operations" {
  for_each = toset(local.operations)

  name            = "agenthub_${each.key}"
  description     = "How many ${replace(each.key, "_", " ")} a request took."
  filter          = "${local.our_lines} AND jsonPayload.operations.${each.key}>0"
  value_extractor = "EXTRACT(jsonPayload.operations.${each.key})"

  label_extractors = {
    route = "EXTRACT(jsonPayload.route)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"

    labels {
      key = "route"
    }
  }

  bucket_options {
    explicit_buckets {
      bounds = [1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 50, 100, 200, 500, 1000]
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  display_name          = "AgentHub: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.denominator
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = each.value.duration

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = contains(["ALIGN_RATE", "ALIGN_SUM"], each.value.aligner) ? "REDUCE_SUM" : "REDUCE_MAX"
        group_by_fields      = each.value.group_by
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.denominator == null ? [] : [each.value.group_by]

        content {
          alignment_period     = "300s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = "REDUCE_SUM"
          group_by_fields      = denominator_aggregations.value
        }
      }
    }
  }

  documentation {
    content   = each.value.todo
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.used]
}

# What only our own code can know. The alarm's line itself opens the incident, so nothing is missed between two points.
resource "google_monitoring_alert_policy" "alarm" {
  for_each = merge(
    {
      for name, alarm in local.alarms : name => merge(alarm, {
        filter = "jsonPayload.message=(${join(" OR ", [for message in alarm.messages : jsonencode(message)])})"
      })
    },
    {
      any_other = {
        title    = "Somebody must look"
        severity = "ERROR"
        messages = []
        filter   = "NOT jsonPayload.message=(${join(" OR ", [for message in local.known_alarms : jsonencode(message)])})"
        todo     = "An alarm without a policy of its own. The line says what happened."
      }
    },
  )

  display_name          = "AgentHub: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter = "${local.our_lines} AND jsonPayload.alarm=true AND ${each.value.filter}"
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = var.alerts.notification_every
    }
  }

  documentation {
    content   = each.value.todo
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "schedules" {
  display_name          = "AgentHub: A schedule failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A schedule failed"

    condition_matched_log {
      filter = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR AND resource.labels.job_id=(${join(" OR ", [for name, _ in local.catalogue.schedules : "\"${name}\""])})"
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = var.alerts.notification_every
    }
  }

  documentation {
    content   = "A job had no good answer, five repeats included. Run it again by hand in Cloud Scheduler: running twice does no harm."
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.used]
}

# Turns that are answered without an event would be turns that nobody pays for.
resource "google_monitoring_alert_policy" "metering_silence" {
  display_name          = "AgentHub: Turns without usage"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Turns are answered and no usage is published"

    condition_prometheus_query_language {
      query = join(" ", [
        "(sum(increase(${local.promql}_count{monitored_resource=\"cloud_run_revision\", service_name=\"agents-chat\", status=\"200\"}[30m])) > 0)",
        "unless (sum(increase(pubsub_googleapis_com:topic_send_request_count{monitored_resource=\"pubsub_topic\", topic_id=\"usage-recorded\"}[30m])) > 0)",
      ])
      duration            = "600s"
      evaluation_interval = "60s"
      # The metric of ours appears with the first request.
      disable_metric_validation = true
    }
  }

  documentation {
    content   = "The chat answers, and nothing arrived in the topic usage-recorded for half an hour. The events are in Firestore, marked unsent; the relay publishes them every ten minutes once Pub/Sub takes them."
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.requests]
}

# The script that customers' pages load, and the gateway's own answer for a path that it does not know: neither wakes a
# function, so an installation that nobody uses stays asleep.
resource "google_monitoring_uptime_check_config" "outside" {
  for_each = {
    gateway = { host = trimprefix(local.public_url, "https://"), path = "/not-a-path-of-this-api", status = 404 }
    widget  = { host = local.cdn_host, path = "/v1/widget.js", status = 200 }
  }

  display_name     = "AgentHub ${each.key}"
  period           = "${var.alerts.uptime_period_s}s"
  timeout          = "10s"
  selected_regions = ["USA_VIRGINIA", "EUROPE", "ASIA_PACIFIC"]

  http_check {
    path         = each.value.path
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_value = each.value.status
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      host       = each.value.host
      project_id = var.project_id
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each = google_monitoring_uptime_check_config.outside

  display_name          = "AgentHub: The ${each.key} cannot be reached"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "The ${each.key} cannot be reached from two regions"

    condition_threshold {
      filter          = "metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type = \"uptime_url\" AND metric.labels.check_id = \"${each.value.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"

      aggregations {
        alignment_period     = "${2 * var.alerts.uptime_period_s}s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    content   = "Look at Google's status page first, then at the last apply."
    mime_type = "text/markdown"
  }
}

# Each request has our own line with its trace; Cloud Run's line beside it says the same and costs the same.
resource "google_logging_project_exclusion" "requests" {
  for_each = var.logs.keep_requests ? toset([]) : toset(["requests"])

  name        = "agenthub-requests"
  description = "Cloud Run's request log of what went well."
  filter      = "logName=\"projects/${var.project_id}/logs/run.googleapis.com%2Frequests\" AND ${local.our_lines} AND httpRequest.status<500"

  depends_on = [google_project_service.used]
}

resource "google_logging_project_bucket_config" "default" {
  project        = var.project_id
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.logs.retention_days

  depends_on = [google_project_service.used]
}
