# The Google APIs in use. They stay enabled after a destroy: something else in the project may use them by then.
# Two must be enabled by hand first, since this configuration cannot begin without them: serviceusage and
# cloudresourcemanager.

resource "google_project_service" "used" {
  for_each = toset(concat(
    [
      "aiplatform.googleapis.com",
      "apigateway.googleapis.com",
      "apikeys.googleapis.com",
      "artifactregistry.googleapis.com",
      "bigquery.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "cloudscheduler.googleapis.com",
      "firestore.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "identitytoolkit.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "servicecontrol.googleapis.com",
      "servicemanagement.googleapis.com",
      "storage.googleapis.com",
    ],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.cdn_domain == null ? [] : ["compute.googleapis.com"],
  ))

  service            = each.key
  disable_on_destroy = false
}
