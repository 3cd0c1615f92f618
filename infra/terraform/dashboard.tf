# The operator's page in Cloud Monitoring: traffic, errors, latency, queues, instances and paid operations.

locals {
  # Title → what is drawn: a filter, how a series is aligned, and what the lines are grouped by.
  charts = [
    { title = "Requests a second, by deployment", filter = "metric.type=\"run.googleapis.com/request_count\" ${local.our_runs}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", group = "resource.label.service_name" },
    { title = "Errors a second, by deployment", filter = "metric.type=\"run.googleapis.com/request_count\" ${local.our_runs} metric.label.response_code_class=\"5xx\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", group = "resource.label.service_name" },
    { title = "Latency, 95th percentile, ms", filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.requests.name}\" ${local.our_runs}", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", group = "resource.label.service_name" },
    { title = "Instances, by deployment", filter = "metric.type=\"run.googleapis.com/container/instance_count\" ${local.our_runs}", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", group = "resource.label.service_name" },
    { title = "Oldest message that waits, s", filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" resource.type=\"pubsub_subscription\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", group = "resource.label.subscription_id" },
    { title = "Alarms, by what they say", filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.alarms.name}\" ${local.our_runs}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", group = "metric.label.message" },
    { title = "Firestore writes of a request, mean", filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.operations["firestore_writes"].name}\" ${local.our_runs}", aligner = "ALIGN_DELTA", reducer = "REDUCE_MEAN", group = "metric.label.route" },
    { title = "Firestore reads of a request, mean", filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.operations["firestore_reads"].name}\" ${local.our_runs}", aligner = "ALIGN_DELTA", reducer = "REDUCE_MEAN", group = "metric.label.route" },
  ]
}

resource "google_monitoring_dashboard" "main" {
  dashboard_json = jsonencode({
    displayName = "AgentHub ${var.environment}"
    mosaicLayout = {
      columns = 48
      tiles = [
        for index, chart in local.charts : {
          xPos   = index % 2 * 24
          yPos   = floor(index / 2) * 16
          width  = 24
          height = 16
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "300s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.reducer
                      groupByFields      = [chart.group]
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_project_service.used]
}
