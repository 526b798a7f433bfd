terraform {
  # Write-only arguments, which keep secrets out of the state, need Terraform 1.11 and azapi 2.4.
  required_version = ">= 1.11"
  required_providers {
    azapi = {
      source  = "Azure/azapi"
      version = ">= 2.4, < 3"
    }
  }
}

variable "resource_group" {
  type        = string
  description = "Name of the resource group, which the module creates. `terraform destroy` deletes it with all that is in it."
  nullable    = false
}

variable "location" {
  type        = string
  description = "Region of all resources: one that has Flex Consumption plans."
  nullable    = false
}

variable "webhook_secrets" {
  type        = map(string)
  default     = {}
  description = "Secrets of webhooks by the name of their source, such as { github = \"...\" }; two of one source as \"<new>,<old>\". They are sent, but not stored in plan or state."
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "secrets_version" {
  type        = string
  default     = "1"
  description = "Change it together with webhook_secrets: Terraform does not compare what it does not store."
  nullable    = false
}

resource "azapi_resource" "group" {
  type     = "Microsoft.Resources/resourceGroups@2020-06-01"
  name     = var.resource_group
  location = var.location
  tags     = var.tags
}

# The template of this copy of the repository: module, template and package are of one release.
resource "azapi_resource" "bridge" {
  type      = "Microsoft.Resources/deployments@2020-06-01"
  name      = "webhook-bridge"
  parent_id = azapi_resource.group.id
  tags      = { secrets = var.secrets_version }
  body = {
    properties = {
      mode       = "Incremental"
      template   = jsondecode(file("${path.module}/../../azuredeploy.json"))
      parameters = local.parameters
    }
  }
  sensitive_body = {
    properties = {
      parameters = {
        webhookSecrets = { value = var.webhook_secrets }
      }
    }
  }
  response_export_values = { outputs = "properties.outputs" }

  timeouts {
    create = "60m"
    update = "60m"
  }
}
