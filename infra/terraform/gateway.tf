# The one door: API Gateway with the contract api-gateway.yaml, in which the functions' addresses are filled in.
#
# The order of an apply: the contract, the gateway, the functions, since they are told the gateway's address, which Google
# chooses. So for the minutes of a build the new contract stands before the old code: a new route answers 404 from the old
# function, and one that is gone is closed before its code goes. The other order cannot be had in one graph. What a caller
# must never miss is therefore deployed first and called with the next deploy; a route that changes its meaning gets a new path.

locals {
  contract = templatefile("${path.module}/../../api-gateway.yaml", merge(
    { project = var.project_id },
    { for name, address in local.addresses : "${replace(name, "-", "_")}_url" => address },
  ))

  # Read from the gateway, never put together: Google has several forms of it.
  public_url = "https://${google_api_gateway_gateway.main.default_hostname}"
  chat_url   = var.streaming ? "https://${google_api_gateway_gateway.streaming["streaming"].default_hostname}" : local.public_url
}

resource "google_api_gateway_api" "main" {
  provider = google-beta

  api_id       = "agenthub"
  display_name = "AgentHub"

  depends_on = [google_project_service.used]
}

# A config cannot be changed, nor deleted while a gateway uses it: another contract is another config under another name,
# made before the old one goes.
resource "google_api_gateway_api_config" "main" {
  provider = google-beta

  api           = google_api_gateway_api.main.api_id
  api_config_id = "c-${substr(sha256(local.contract), 0, 16)}"
  display_name  = "AgentHub"

  openapi_documents {
    document {
      path     = "api-gateway.yaml"
      contents = base64encode(local.contract)
    }
  }

  gateway_config {
    backend_config {
      google_service_account = local.emails["gateway"]
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.contract) < 10 * 1024 * 1024
      error_message = "The contract is larger than the 10 MB that API Gateway takes."
    }
  }
}

# It answers each request as a whole, the chat as one JSON object.
resource "google_api_gateway_gateway" "main" {
  provider = google-beta

  region       = var.region
  gateway_id   = "agenthub"
  display_name = "AgentHub"
  api_config   = google_api_gateway_api_config.main.id
}

# Streaming is chosen when a gateway is made and by a field that the provider does not have. `nox -s deploy -- … --streaming`
# makes it with gcloud; this takes it over, and fails where there is none, rather than make one that does not stream.
# Nothing in the provider reads back what the gateway really does (effectiveStreamingMode), so infra/gateways.py reads it
# before the takeover and after each apply, and refuses. The check below is for who applies by hand, and no proof: it knows a
# gateway that streams by its address, which has the project's number in it.
import {
  for_each = var.streaming ? toset(["streaming"]) : toset([])

  to = google_api_gateway_gateway.streaming[each.key]
  id = "projects/${var.project_id}/locations/${var.region}/gateways/agenthub-streaming"
}

resource "google_api_gateway_gateway" "streaming" {
  for_each = var.streaming ? toset(["streaming"]) : toset([])
  provider = google-beta

  region       = var.region
  gateway_id   = "agenthub-streaming"
  display_name = "AgentHub, streaming"
  api_config   = google_api_gateway_api_config.main.id

  lifecycle {
    prevent_destroy = true
  }
}

check "chat_streams" {
  assert {
    condition = alltrue([
      for gateway in google_api_gateway_gateway.streaming : startswith(gateway.default_hostname, "agenthub-streaming-${data.google_project.this.number}.")
    ])
    error_message = "agenthub-streaming has not the address of a gateway that streams. `nox -s deploy` asks Google whether it does."
  }
}
