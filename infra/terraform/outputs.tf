output "api_url" {
  description = "Where programs and the console reach the API."
  value       = local.public_url
}

output "archives" {
  description = "The archive of each deployment, as it is deployed."
  value       = { for name, object in google_storage_bucket_object.archive : name => object.name }
}

output "cdn_address" {
  description = "The address to which cdn_domain's A record must point; null without a domain of your own."
  value       = one([for address in google_compute_global_address.cdn : address.address])
}

output "chat_url" {
  description = "Where widgets reach the chat."
  value       = local.chat_url
}

output "console_url" {
  description = "The console."
  value       = "${local.cdn_url}/console/index.html"
}

output "installation" {
  description = "What this state is of: `nox -s deploy` refuses to plan another installation over it, and keeps streaming on."
  value = {
    environment = var.environment
    project_id  = var.project_id
    region      = var.region
    streaming   = var.streaming
  }
}

output "next_step" {
  description = "What to do now."
  value       = "Sign up, make a workspace and make yourself the operator: docs/deploy.md says how."
}

output "widget_url" {
  description = "The script that a page embeds."
  value       = "${local.cdn_url}/v1/widget.js"
}
