variable "alerts" {
  description = "Who is told, and from what on. Errors are a share of requests; ages and latencies as named."
  type = object({
    emails             = optional(list(string), [])
    error_share        = optional(number, 0.05)
    latency_ms         = optional(number, 2000)
    turn_latency_ms    = optional(number, 60000)
    undelivered_age_s  = optional(number, 900)
    uptime_period_s    = optional(number, 900)
    notification_every = optional(string, "3600s")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for email in var.alerts.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "alerts.emails holds mail addresses, such as [\"operations@example.com\"]."
  }
  validation {
    condition     = var.alerts.error_share > 0 && var.alerts.error_share < 1
    error_message = "alerts.error_share is a share between 0 and 1, such as 0.05 for five in a hundred."
  }
  validation {
    condition     = contains([60, 300, 600, 900], var.alerts.uptime_period_s)
    error_message = "alerts.uptime_period_s is 60, 300, 600 or 900: Cloud Monitoring knows no other."
  }
}

variable "archive" {
  description = "The bucket of final invoices: how long a file cannot be deleted, and whether that can never be undone."
  type = object({
    retention_days = optional(number, 3650)
    locked         = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.archive.retention_days >= 0 && var.archive.retention_days <= 36500
    error_message = "archive.retention_days is between 0 (no retention) and 36500."
  }
  validation {
    condition     = !var.archive.locked || var.archive.retention_days > 0
    error_message = "archive.locked needs archive.retention_days above 0: there is nothing to lock."
  }
}

variable "archives" {
  description = "File name of each deployment's archive in bundles_folder; null: what manifest.json there says."
  type        = map(string)
  default     = null

  validation {
    condition = var.archives == null ? true : alltrue([
      for name in keys(local.deployments) : can(regex("^${name}-[0-9a-f]+\\.zip$", var.archives[name]))
    ])
    error_message = "archives needs DEPLOYMENT-HASH.zip for every deployment of infra/catalogue.yaml; leave it out and run `nox -s bundle`."
  }
}

variable "budget" {
  description = "Monthly budget in whole units of the billing account's currency; null: no budget and no alert about it."
  type = object({
    billing_account = string
    amount          = number
    thresholds      = optional(list(number), [0.5, 0.9, 1.0])
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account has the form 012345-6789AB-CDEF01; `gcloud billing accounts list` shows it."
  }
  validation {
    condition     = var.budget == null ? true : var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount
    error_message = "budget.amount is a whole number of 1 or more."
  }
}

variable "bundles_folder" {
  description = "Where `nox -s bundle` left the archives; null: dist/bundles of this repository."
  type        = string
  default     = null
}

variable "cdn_domain" {
  description = "A domain of your own for widget and console, by a load balancer with Cloud CDN (a fixed cost); null: the bucket's address."
  type        = string
  default     = null

  validation {
    condition     = var.cdn_domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.cdn_domain))
    error_message = "cdn_domain is a host name without https:// and path, such as cdn.example.com."
  }
}

variable "console_key" {
  description = "Number of the console's API key: another one makes a new key, to rotate it or to apply again within thirty days of a destroy."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.console_key >= 1 && floor(var.console_key) == var.console_key
    error_message = "console_key is a whole number of 1 or more."
  }
}

variable "console_origins" {
  description = "Further origins whose pages may call the console's API, beside the console's own."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.console_origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "console_origins holds origins without a path, such as https://console.example.com."
  }
}

variable "environment" {
  description = "Name of this installation, such as dev or prod; it names the BigQuery data set and labels everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,14}$", var.environment)) && var.environment != "local"
    error_message = "environment is 2 to 15 lower-case letters and digits and begins with a letter; `local` is the laptop's."
  }
}

variable "evidence_public_keys" {
  description = "Public keys that signed invoices' evidence before the present one, each BASE64@2026-11-25, the day from which on it signed. Never shortened."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for key in var.evidence_public_keys : can(regex("^[A-Za-z0-9+/]{43}=(@20[0-9]{2}-[0-9]{2}-[0-9]{2})?$", key))])
    error_message = "evidence_public_keys are base64 of 32 bytes, with @ and a day behind it: BASE64@2026-11-25."
  }
}

variable "firestore" {
  description = "The database: a restore makes a new one, which then is named here. location null: the region."
  type = object({
    database    = optional(string, "(default)")
    location    = optional(string)
    backup_days = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.firestore.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore.database))
    error_message = "firestore.database is (default) or 4 to 63 lower-case letters, digits and dashes."
  }
  validation {
    condition     = var.firestore.backup_days >= 1 && var.firestore.backup_days <= 98
    error_message = "firestore.backup_days is between 1 and 98: Firestore keeps a backup for 14 weeks at most."
  }
}

variable "front_end_folder" {
  description = "Where `python -m infra.web` left the built front ends; null: dist of this repository."
  type        = string
  default     = null
}

variable "google_sign_in" {
  description = "OAuth client (type: web application) with which people may sign in to the console by Google; null: by e-mail and password alone. Give it as TF_VAR_google_sign_in or in a file that is not committed."
  type = object({
    client_id     = string
    client_secret = string
  })
  default   = null
  sensitive = true

  validation {
    condition     = var.google_sign_in == null || can(regex("^[0-9a-z-]+\\.apps\\.googleusercontent\\.com$", var.google_sign_in.client_id)) && try(length(var.google_sign_in.client_secret) > 0, false)
    error_message = "google_sign_in has a client_id that ends in .apps.googleusercontent.com, and a client_secret."
  }
}

variable "keep_data" {
  description = "Whether `terraform destroy` leaves database, warehouse and invoices where they are, and Firestore refuses deletion."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Further labels on everything that can have some."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels are lower-case letters, digits, _ and -, at most 63, and a key begins with a letter."
  }
}

variable "limits" {
  description = "By deployment, what differs from infra/catalogue.yaml. max_instances is the spending limit."
  type = map(object({
    concurrency   = optional(number)
    cpu           = optional(number)
    max_instances = optional(number)
    memory        = optional(string)
    min_instances = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.limits) : contains(keys(local.deployments), name)])
    error_message = "limits names a deployment that infra/catalogue.yaml does not have; it has: ${join(", ", keys(local.deployments))}."
  }
  validation {
    condition = alltrue([
      for name, limit in var.limits : (
        (limit.max_instances == null ? true : limit.max_instances >= 1 && limit.max_instances <= 1000) &&
        (limit.min_instances == null ? true : limit.min_instances >= 0) &&
        (limit.concurrency == null ? true : limit.concurrency >= 2 && limit.concurrency <= 1000) &&
        (limit.cpu == null ? true : limit.cpu >= 1) &&
        (limit.memory == null ? true : can(regex("^[0-9]+(Mi|Gi)$", limit.memory)))
      )
    ])
    error_message = "limits: max_instances 1 to 1000, min_instances 0 or more, concurrency 2 to 1000, cpu 1 or more (below, Cloud Run takes one request at a time), memory such as 512Mi."
  }
}

variable "logs" {
  description = "How long logs are kept, and whether Cloud Run's own line for each request is kept beside ours."
  type = object({
    keep_requests  = optional(bool, false)
    retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.logs.retention_days >= 1 && var.logs.retention_days <= 3650
    error_message = "logs.retention_days is between 1 and 3650."
  }
}

variable "mail_from" {
  description = "Who the mails to workspaces come from, such as \"AgentHub <hello@example.com>\". None is sent without it, or without the secret smtp-url."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.mail_from == "" || can(regex("^[^@\\s]+@[^@\\s]+$|<[^@\\s]+@[^@\\s]+>$", var.mail_from))
    error_message = "mail_from is an address, or a name and an address in angle brackets."
  }
}

variable "models" {
  description = "Which models new agents and new knowledge use (provider/model), where Vertex AI answers, and the address of an OpenAI-compatible server."
  type = object({
    default         = optional(string, "vertexai/gemini-3.5-flash-lite")
    embedding       = optional(string, "vertexai/gemini-embedding-001")
    openai_base_url = optional(string)
    vertex_location = optional(string, "global")
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for model in [var.models.default, var.models.embedding] : can(regex("^(vertexai|openai)/[^/\\s]+$", model))
    ])
    error_message = "models.default and models.embedding are provider/model with provider vertexai or openai."
  }
  validation {
    condition     = var.models.openai_base_url == null ? true : startswith(var.models.openai_base_url, "https://")
    error_message = "models.openai_base_url begins with https:// and includes the server's /v1."
  }
}

variable "project_id" {
  description = "The Google Cloud project that holds the whole installation; it must exist and have billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's id (6 to 30 lower-case letters, digits and dashes), not its name or number."
  }
}

variable "region" {
  description = "The one region of this installation; API Gateway does not run in every one."
  type        = string
  default     = "us-central1"

  validation {
    condition     = contains(local.gateway_regions, var.region)
    error_message = "region must be one where API Gateway runs: ${join(", ", local.gateway_regions)}."
  }
}

variable "secret_versions" {
  description = "By secret of infra/catalogue.yaml, the number of the version in use. Without one, the secret is an empty container that no deployment sees."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.secret_versions) : can(regex("^[1-9][0-9]*$", version))])
    error_message = "secret_versions pins each version by its number, such as \"1\": `latest` would change under a running function."
  }
  validation {
    condition     = alltrue([for name in keys(var.secret_versions) : contains(keys(local.secrets), name)])
    error_message = "secret_versions names a secret that infra/catalogue.yaml does not have; it has: ${join(", ", keys(local.secrets))}."
  }
}

variable "seller" {
  description = "Who sends the invoices. Lines of the address are separated by |."
  type = object({
    address = optional(string, "")
    country = optional(string, "")
    email   = optional(string, "")
    name    = optional(string, "AgentHub")
    vat_id  = optional(string, "")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.seller.country == "" || can(regex("^[A-Z]{2}$", var.seller.country))
    error_message = "seller.country is a code of two capital letters, such as DE."
  }
}

variable "streaming" {
  description = "Whether a second gateway streams the chat. `nox -s deploy -- ENVIRONMENT --streaming` makes it first: the provider cannot, and imports it."
  type        = bool
  default     = false
  nullable    = false
}

variable "terms" {
  description = "Terms of business: the trial's whole currency units, hours an invoice stays a draft, days to pay, days that bought credit lasts (0: for ever), and what the invoice says about that."
  type = object({
    credit_days   = optional(number, 0)
    grace_hours   = optional(number, 24)
    payment_days  = optional(number, 14)
    payment_terms = optional(string, "")
    trial_cap     = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for number in [var.terms.credit_days, var.terms.grace_hours, var.terms.payment_days, var.terms.trial_cap] : number >= 0 && floor(number) == number
    ])
    error_message = "terms.credit_days, terms.grace_hours, terms.payment_days and terms.trial_cap are whole numbers of 0 or more."
  }
}
