# Widget and console on a domain of one's own, with Cloud CDN. Only where `cdn_domain` is set: the forwarding rules cost
# a fixed sum each month, while everything else costs nothing when nobody talks.

locals {
  balanced = var.cdn_domain == null ? {} : { cdn = var.cdn_domain }
}

resource "google_compute_global_address" "cdn" {
  for_each = local.balanced

  name = "agenthub-cdn"

  depends_on = [google_project_service.used]
}

resource "google_compute_backend_bucket" "cdn" {
  for_each = local.balanced

  name             = "agenthub-cdn"
  bucket_name      = google_storage_bucket.cdn.name
  enable_cdn       = true
  compression_mode = "AUTOMATIC"
  custom_response_headers = [
    "X-Content-Type-Options: nosniff",
    "Cross-Origin-Resource-Policy: cross-origin",
  ]

  # The objects say themselves how long they keep.
  cdn_policy {
    cache_mode         = "USE_ORIGIN_HEADERS"
    request_coalescing = true
    serve_while_stale  = 300
  }
}

resource "google_compute_url_map" "cdn" {
  for_each = local.balanced

  name            = "agenthub-cdn"
  default_service = google_compute_backend_bucket.cdn[each.key].id
}

resource "google_compute_url_map" "cdn_redirect" {
  for_each = local.balanced

  name = "agenthub-cdn-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

# Named after the domain: a certificate cannot be changed, and one in use cannot be deleted.
resource "google_compute_managed_ssl_certificate" "cdn" {
  for_each = local.balanced

  name = "agenthub-cdn-${substr(sha256(each.value), 0, 8)}"

  managed {
    domains = [each.value]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.used]
}

resource "google_compute_ssl_policy" "cdn" {
  for_each = local.balanced

  name            = "agenthub-cdn"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.used]
}

resource "google_compute_target_https_proxy" "cdn" {
  for_each = local.balanced

  name             = "agenthub-cdn"
  url_map          = google_compute_url_map.cdn[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.cdn[each.key].id]
  ssl_policy       = google_compute_ssl_policy.cdn[each.key].id
}

resource "google_compute_target_http_proxy" "cdn" {
  for_each = local.balanced

  name    = "agenthub-cdn-redirect"
  url_map = google_compute_url_map.cdn_redirect[each.key].id
}

resource "google_compute_global_forwarding_rule" "cdn" {
  for_each = local.balanced

  name                  = "agenthub-cdn"
  ip_address            = google_compute_global_address.cdn[each.key].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
  port_range            = "443"
  target                = google_compute_target_https_proxy.cdn[each.key].id
}

resource "google_compute_global_forwarding_rule" "cdn_redirect" {
  for_each = local.balanced

  name                  = "agenthub-cdn-redirect"
  ip_address            = google_compute_global_address.cdn[each.key].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
  port_range            = "80"
  target                = google_compute_target_http_proxy.cdn[each.key].id
}
