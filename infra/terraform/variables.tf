# Written by `make docs` from azuredeploy.json.

variable "name" {
  type        = string
  default     = "webhook-bridge"
  description = "Short name of the bridge, from which the names of its resources are made."
  nullable    = false

  validation {
    condition     = length(var.name) >= 3 && length(var.name) <= 20
    error_message = "name must be 3 to 20 characters long."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of all resources."
  nullable    = false
}

variable "group" {
  type        = string
  default     = ""
  description = "Default group: object id of the Microsoft 365 group that receives events that no route sends elsewhere."
  nullable    = false
}

variable "config" {
  type        = string
  default     = ""
  description = "Groups, routes and your own sources as TOML; config.example.toml has examples."
  nullable    = false
}

variable "generated_secrets" {
  type        = list(string)
  default     = []
  description = "Sources for which this deployment makes a new secret, such as [\"github\"]."
  nullable    = false
}

variable "kept_secrets" {
  type        = list(string)
  default     = []
  description = "Sources whose secrets are in the key vault already: the settings refer to them, and the deployment does not write them."
  nullable    = false
}

variable "secrets_officer" {
  type        = string
  default     = ""
  description = "Object id of the user or group that manages the secrets in the key vault; empty: the account that deploys."
  nullable    = false
}

variable "azure_monitor_audience" {
  type        = string
  default     = ""
  description = "Azure Monitor's secure webhooks: client id of the app registration for which their tokens are issued; empty: they need the function key."
  nullable    = false
}

variable "aws_sns_topics" {
  type        = string
  default     = ""
  description = "Amazon SNS: ARNs of the topics that may send, separated by commas; empty: its messages need the function key."
  nullable    = false
}

variable "github_hooks" {
  type        = string
  default     = ""
  description = "Repositories and organizations of GitHub whose failed webhooks are delivered again, such as `contoso/pump, contoso`; empty: all repositories of the token github_token in webhookSecrets."
  nullable    = false
}

variable "github_app_id" {
  type        = string
  default     = ""
  description = "Id of a GitHub App whose failed webhooks are delivered again; its key is github_app_key in webhookSecrets."
  nullable    = false
}

variable "github_api_url" {
  type        = string
  default     = ""
  description = "URL of GitHub's API; for an Enterprise Server, https://<host>/api/v3. Empty: github.com's."
  nullable    = false
}

variable "identity" {
  type        = string
  default     = "managed-identity"
  description = "Identity that posts; docs/identity.md says what each needs."
  nullable    = false

  validation {
    condition     = contains(["managed-identity", "agent-user", "service-account"], var.identity)
    error_message = "identity must be one of managed-identity, agent-user, service-account."
  }
}

variable "channel" {
  type        = string
  default     = "mail"
  description = "How posts are delivered to groups. Microsoft refuses threads to a managed identity's own token, and permits mail."
  nullable    = false

  validation {
    condition     = contains(["mail", "threads"], var.channel)
    error_message = "channel must be one of mail, threads."
  }
}

variable "mail_from" {
  type        = string
  default     = ""
  description = "Address of the shared mailbox from which posts are sent (channel mail)."
  nullable    = false
}

variable "mail_importance" {
  type        = string
  default     = "never"
  description = "Lowest severity at which mail gets high importance (channel mail)."
  nullable    = false

  validation {
    condition     = contains(["never", "warning", "error", "critical"], var.mail_importance)
    error_message = "mail_importance must be one of never, warning, error, critical."
  }
}

variable "tenant_id" {
  type        = string
  default     = null
  description = "Id of the Entra tenant (agent-user, service-account, secure webhooks)."
}

variable "blueprint_id" {
  type        = string
  default     = ""
  description = "Client id of the agent identity blueprint (agent-user)."
  nullable    = false
}

variable "agent_id" {
  type        = string
  default     = ""
  description = "Client id of the agent identity (agent-user)."
  nullable    = false
}

variable "agent_user_id" {
  type        = string
  default     = ""
  description = "Object id or user principal name of the agent's user (agent-user)."
  nullable    = false
}

variable "app_id" {
  type        = string
  default     = ""
  description = "Client id of the app registration to which the account signs in (service-account)."
  nullable    = false
}

variable "key_vault_entry" {
  type        = string
  default     = "webhook-bridge-account"
  description = "Name of the account's sign-in in its key vault (service-account)."
  nullable    = false
}

variable "public_url" {
  type        = string
  default     = ""
  description = "URL of the app, to which the sign-in returns; empty: the host name that Azure gives it."
  nullable    = false
}

variable "cloud" {
  type        = string
  default     = null
  description = "Microsoft cloud of the tenant."

  validation {
    condition     = var.cloud == null ? true : contains(["global", "us-gov", "us-dod", "china"], var.cloud)
    error_message = "cloud must be one of global, us-gov, us-dod, china."
  }
}

variable "graph_url" {
  type        = string
  default     = ""
  description = "Base URL of Microsoft Graph, with its version; empty: v1.0."
  nullable    = false
}

variable "templates" {
  type        = string
  default     = ""
  description = "Folder in the package with your own templates, searched before the bridge's; empty: none."
  nullable    = false
}

variable "time_zone" {
  type        = string
  default     = "UTC"
  description = "Time zone of the times in posts, such as Europe/Berlin."
  nullable    = false
}

variable "settle_seconds" {
  type        = number
  default     = 5
  description = "Settle window: wait for more events of the same thread (seconds). They become one post."
  nullable    = false

  validation {
    condition     = var.settle_seconds >= 0
    error_message = "settle_seconds must be 0 or more."
  }
}

variable "digest_over" {
  type        = number
  default     = 10
  description = "Digest threshold: new threads per batch. More of them become one post, a digest."
  nullable    = false

  validation {
    condition     = var.digest_over >= 1
    error_message = "digest_over must be 1 or more."
  }
}

variable "reopen_minutes" {
  type        = number
  default     = 15
  description = "Reopen window after a thread ends (minutes). Within it, the next event continues the thread."
  nullable    = false

  validation {
    condition     = var.reopen_minutes >= 0
    error_message = "reopen_minutes must be 0 or more."
  }
}

variable "thread_days" {
  type        = number
  default     = 90
  description = "Lifetime of an inactive thread (days). After it, the next event starts a new thread."
  nullable    = false

  validation {
    condition     = var.thread_days >= 1
    error_message = "thread_days must be 1 or more."
  }
}

variable "give_up_hours" {
  type        = number
  default     = 24
  description = "Retry period for a refused identity or group (hours). After it, its entries become dead letters."
  nullable    = false

  validation {
    condition     = var.give_up_hours >= 1
    error_message = "give_up_hours must be 1 or more."
  }
}

variable "history_days" {
  type        = number
  default     = 30
  description = "Retention of the delivery history, by which repeats are recognised (days)."
  nullable    = false

  validation {
    condition     = var.history_days >= 1
    error_message = "history_days must be 1 or more."
  }
}

variable "keep_payloads_hours" {
  type        = number
  default     = 0
  description = "Retention of authenticated webhooks' bodies, for rendering and sending them again (hours); 0: they are not kept."
  nullable    = false

  validation {
    condition     = var.keep_payloads_hours >= 0
    error_message = "keep_payloads_hours must be 0 or more."
  }
}

variable "watchdog_minutes" {
  type        = number
  default     = 0
  description = "Watchdog: how often a test entry takes the whole way except the request to Graph (minutes); 0: never."
  nullable    = false

  validation {
    condition     = var.watchdog_minutes >= 0
    error_message = "watchdog_minutes must be 0 or more."
  }
}

variable "pictures" {
  type        = string
  default     = "mail"
  description = "Charts as pictures, by channel: `mail`, `all` or `none`."
  nullable    = false

  validation {
    condition     = contains(["mail", "all", "none"], var.pictures)
    error_message = "pictures must be one of mail, all, none."
  }
}

variable "image_hosts" {
  type        = string
  default     = ""
  description = "Hosts from which the bridge fetches images that payloads name, separated by commas."
  nullable    = false
}

variable "use_key_vault" {
  type        = bool
  default     = true
  description = "Whether a key vault keeps the secrets of webhooks, with references to it in the settings."
  nullable    = false
}

variable "recover_vaults" {
  type        = bool
  default     = false
  description = "Whether to recover the key vaults that were deleted with the resource group less than 7 days ago. Fails if there are none, so use it only for the first deployment afterwards."
  nullable    = false
}

variable "always_ready" {
  type        = number
  default     = 0
  description = "Always-ready instances for webhooks. With none, the first webhook after a quiet time takes seconds; Sentry waits one second for an answer, PagerDuty five."
  nullable    = false

  validation {
    condition     = var.always_ready >= 0 && var.always_ready <= 10
    error_message = "always_ready must be from 0 to 10."
  }
}

variable "always_ready_publish" {
  type        = number
  default     = 0
  description = "Always-ready instances for posting. With none, the first post after a quiet time comes seconds later."
  nullable    = false

  validation {
    condition     = var.always_ready_publish >= 0 && var.always_ready_publish <= 10
    error_message = "always_ready_publish must be from 0 to 10."
  }
}

variable "instance_memory" {
  type        = number
  default     = 512
  description = "Memory of an instance, in MB; its share of a processor and its price are in proportion. 512 MB suffice for receiving and for posting. More starts sooner, and takes several webhooks of many megabytes at once."
  nullable    = false

  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory)
    error_message = "instance_memory must be one of 512, 2048, 4096."
  }
}

variable "maximum_instances" {
  type        = number
  default     = 40
  description = "Maximum number of instances of the plan."
  nullable    = false

  validation {
    condition     = var.maximum_instances >= 1 && var.maximum_instances <= 1000
    error_message = "maximum_instances must be from 1 to 1000."
  }
}

variable "requests_per_instance" {
  type        = number
  default     = 4
  description = "Maximum number of webhooks that an instance handles at the same time: four for each 512 MB."
  nullable    = false

  validation {
    condition     = var.requests_per_instance >= 1 && var.requests_per_instance <= 1000
    error_message = "requests_per_instance must be from 1 to 1000."
  }
}

variable "update_strategy" {
  type        = string
  default     = "Recreate"
  description = "How instances are updated: Recreate restarts all at once, RollingUpdate (preview) drains and replaces them in turn."
  nullable    = false

  validation {
    condition     = contains(["Recreate", "RollingUpdate"], var.update_strategy)
    error_message = "update_strategy must be one of Recreate, RollingUpdate."
  }
}

variable "zone_redundant" {
  type        = bool
  default     = false
  description = "Whether plan and storage span availability zones: zone-redundant storage, and at least two always-ready instances for webhooks. Only in regions that have zones, and storage cannot be changed back."
  nullable    = false
}

variable "private_network" {
  type        = bool
  default     = false
  description = "Whether storage and key vaults are reached only through private endpoints in a virtual network of the app. The app itself stays public, because services have to reach it."
  nullable    = false
}

variable "network_addresses" {
  type        = string
  default     = "10.60.0.0/24"
  description = "Addresses of the virtual network: a /24 that no peered network uses."
  nullable    = false
}

variable "retention_days" {
  type        = number
  default     = 30
  description = "Retention of the log (days)."
  nullable    = false

  validation {
    condition     = var.retention_days >= 30 && var.retention_days <= 730
    error_message = "retention_days must be from 30 to 730."
  }
}

variable "alert_email" {
  type        = string
  default     = ""
  description = "Address that receives the alerts: dead letters, late posts, failures, the poison queue, an app that does nothing. Empty: no alerts."
  nullable    = false
}

variable "availability_test" {
  type        = bool
  default     = false
  description = "Whether three places on three continents ask the app for its health every 15 minutes."
  nullable    = false
}

variable "monthly_budget" {
  type        = number
  default     = 0
  description = "Monthly budget in the subscription's currency: the address for alerts is notified at 80 % and 100 %. 0: none."
  nullable    = false

  validation {
    condition     = var.monthly_budget >= 0
    error_message = "monthly_budget must be 0 or more."
  }
}

variable "budget_start" {
  type        = string
  default     = null
  description = "First day of the month in which the budget starts. Give the same day in later deployments: Azure does not change it, so another one makes another budget."
}

variable "package_uri" {
  type        = string
  default     = ""
  description = "Address of released-package.zip, which the app runs. The template of a release names its own package. Empty: the code stays as it is, or is deployed afterwards."
  nullable    = false
}
