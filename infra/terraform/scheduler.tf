# What runs by the clock. A job comes at least once and takes its time from X-CloudScheduler-ScheduleTime.

resource "google_cloud_scheduler_job" "all" {
  for_each = local.catalogue.schedules

  name        = each.key
  region      = var.region
  description = "AgentHub: calls ${each.value.deployment}."
  schedule    = each.value.cron
  # A local time would come twice or not at all when the clocks change.
  time_zone        = "Etc/UTC"
  attempt_deadline = "${min(1800, max(15, local.deployments[each.value.deployment].timeout))}s"

  retry_config {
    retry_count          = 5
    min_backoff_duration = "10s"
    max_backoff_duration = "600s"
    max_doublings        = 5
  }

  http_target {
    http_method = "POST"
    uri         = "${local.addresses[each.value.deployment]}${each.value.path}"

    oidc_token {
      service_account_email = local.emails["scheduler"]
      audience              = local.addresses[each.value.deployment]
    }
  }

  # Its first run may be this minute.
  depends_on = [google_cloud_run_v2_service_iam_member.calls]
}
