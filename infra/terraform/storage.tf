# Four buckets: what browsers fetch (cdn), final invoices (archive), exported files (exports), and the functions' archives
# (source). And the built front ends in the first, as objects: hashed files for ever, the few with fixed names for a minute.

locals {
  front_end_folder = coalesce(var.front_end_folder, "${path.module}/../../dist")

  # Path in the bucket → file. A build folder that is not there has no files; the check below says so.
  front_end = merge(
    { for path in fileset("${local.front_end_folder}/widget", "v1/*") : path => "${local.front_end_folder}/widget/${path}" },
    { for path in fileset("${local.front_end_folder}/console", "**") : "console/${path}" => "${local.front_end_folder}/console/${path}" if !contains(["manifest.json", "sources.sha256"], path) },
  )
  # A name that ends in its content's hash, such as widget-95990117a05ddc3f.js.
  hashed = { for path, _ in local.front_end : path => can(regex("[.-][0-9A-Za-z_-]{8,}\\.[a-z0-9]+(\\.map)?$", path)) }

  # As built, a page's policy lets it ask any host; here it is known which ones there are. The last two are Google's identity.
  console_hosts = join(" ", distinct([
    local.public_url, local.chat_url, local.cdn_url, "https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com",
  ]))

  content_types = {
    css   = "text/css; charset=utf-8"
    html  = "text/html; charset=utf-8"
    ico   = "image/x-icon"
    js    = "text/javascript; charset=utf-8"
    json  = "application/json"
    map   = "application/json"
    png   = "image/png"
    svg   = "image/svg+xml"
    txt   = "text/plain; charset=utf-8"
    webp  = "image/webp"
    woff2 = "font/woff2"
  }

  # The bucket has a host of its own: on storage.googleapis.com/BUCKET the console would share its origin, and with it
  # the sign-in that the browser keeps, with every other bucket there is.
  cdn_host        = coalesce(var.cdn_domain, "${google_storage_bucket.cdn.name}.storage.googleapis.com")
  cdn_url         = "https://${local.cdn_host}"
  console_origins = concat([local.cdn_url], var.console_origins)
}

resource "google_storage_bucket" "cdn" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who changed what; a log of each read would cost more than the reads
  #checkov:skip=CKV_GCP_78:all of it can be made again from the sources and Firestore
  #checkov:skip=CKV_GCP_114:browsers fetch its files; nothing else is in it
  name                        = "${var.project_id}-agenthub-cdn"
  location                    = var.region
  uniform_bucket_level_access = true
  # Everything in it is published: it can be made again from the sources and Firestore.
  force_destroy = true

  cors {
    origin          = ["*"]
    method          = ["GET", "HEAD"]
    response_header = ["Content-Type", "ETag"]
    max_age_seconds = 86400
  }

  website {
    main_page_suffix = "index.html"
  }

  depends_on = [google_project_service.used]
}

# Anybody may read a file whose name they know. Not objectViewer, which may list too: that would tell who the customers are.
resource "google_storage_bucket_iam_member" "cdn_public" {
  #checkov:skip=CKV_GCP_28:browsers fetch its files, by name only
  bucket = google_storage_bucket.cdn.name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}

# The widgets' public files and nothing else: not even these accounts can replace the script that customers' pages run.
resource "google_storage_bucket_iam_member" "publishes" {
  for_each = { for key, use in local.uses_buckets : key => use if use.how == "publish" }

  bucket = local.buckets[each.value.bucket]
  role   = "roles/storage.objectUser"
  member = local.members[each.value.account]

  condition {
    title      = "widgets' public files"
    expression = "resource.name.startsWith(\"projects/_/buckets/${local.buckets[each.value.bucket]}/objects/v1/w/\")"
  }
}

resource "google_storage_bucket_object" "front_end" {
  for_each = local.front_end

  bucket        = google_storage_bucket.cdn.name
  name          = each.key
  source        = endswith(each.key, ".html") ? null : each.value
  content       = endswith(each.key, ".html") ? replace(file(each.value), " https:;", " ${local.console_hosts};") : null
  content_type  = lookup(local.content_types, reverse(split(".", each.key))[0], "application/octet-stream")
  cache_control = local.hashed[each.key] ? "public, max-age=31536000, immutable" : "public, max-age=60"
  # Pages that are open, and loaders in caches, still name the hashed files of earlier builds.
  deletion_policy = local.hashed[each.key] ? "ABANDON" : "DELETE"
}

# What the console must know before anybody has signed in. Public, like the console.
resource "google_storage_bucket_object" "console_config" {
  bucket        = google_storage_bucket.cdn.name
  name          = "console/config.json"
  content_type  = "application/json"
  cache_control = "public, max-age=60"
  content = jsonencode({
    api_url      = local.public_url
    cdn_url      = local.cdn_url
    chat_url     = local.chat_url
    identity_key = google_apikeys_key.console.key_string
    project      = var.project_id
    google       = local.google_sign_in
  })
}

check "front_end_is_built" {
  assert {
    condition     = contains(keys(local.front_end), "v1/widget.js")
    error_message = "There is no v1/widget.js in ${local.front_end_folder}/widget: run `python -m infra.web`, or `nox -s deploy`, which does."
  }
}

resource "google_storage_bucket" "archive" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who changed what; a log of each read would cost more than the reads
  name                        = "${var.project_id}-agenthub-archive"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  deletion_policy             = local.data_deletion

  versioning {
    enabled = true
  }

  dynamic "retention_policy" {
    for_each = var.archive.retention_days > 0 ? [var.archive.retention_days] : []

    content {
      retention_period = tostring(retention_policy.value * 86400)
      is_locked        = var.archive.locked
    }
  }

  depends_on = [google_project_service.used]
}

# What customers have exported, for a week: as long as the exports themselves live (functions/analytics/export_models.py).
resource "google_storage_bucket" "exports" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who changed what; a log of each read would cost more than the reads
  #checkov:skip=CKV_GCP_78:an export can be asked for again, and nothing in it is ever replaced
  name                        = "${var.project_id}-agenthub-exports"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 7
    }
  }

  # An upload that a crash left is kept for a week by Google; it is nothing that anybody can read.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.used]
}

# Whose signed addresses open objects: an address lets whoever has it do what its signer may.
resource "google_storage_bucket_iam_member" "reads" {
  for_each = { for key, use in local.uses_buckets : key => use if contains(["read", "show"], use.how) }

  bucket = local.buckets[each.value.bucket]
  role   = "roles/storage.objectViewer"
  member = local.members[each.value.account]
}

resource "google_service_account_iam_member" "signs_addresses" {
  for_each = { for key, use in local.uses_buckets : key => use if use.how == "show" }

  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.emails[each.value.account]}"
  role               = google_project_iam_custom_role.address_signer.name
  member             = local.members[each.value.account]
}

# Two roles instead of one: neither may replace or delete what is there.
resource "google_storage_bucket_iam_member" "keeps" {
  for_each = merge([
    for key, use in local.uses_buckets : {
      for role in ["roles/storage.objectCreator", "roles/storage.objectViewer"] : "${key}.${reverse(split("/", role))[0]}" => merge(use, { role = role })
    } if use.how == "keep"
  ]...)

  bucket = local.buckets[each.value.bucket]
  role   = each.value.role
  member = local.members[each.value.account]
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who changed what; a log of each read would cost more than the reads
  #checkov:skip=CKV_GCP_78:an archive is named by its content, so it never changes
  name                        = "${var.project_id}-agenthub-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  depends_on = [google_project_service.used]
}

locals {
  buckets = {
    archive = google_storage_bucket.archive.name
    cdn     = google_storage_bucket.cdn.name
    exports = google_storage_bucket.exports.name
  }
}
