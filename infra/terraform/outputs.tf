# Written by `make docs` from azuredeploy.json.

output "app_name" {
  description = "Name of the function app."
  value       = azapi_resource.bridge.output.outputs.appName.value
}

output "app_url" {
  description = "Address of the app."
  value       = azapi_resource.bridge.output.outputs.appUrl.value
}

output "webhook_urls" {
  description = "The URL of each source's webhook, without a key. Sources of your own are at /api/webhooks/generic/<name>."
  value       = azapi_resource.bridge.output.outputs.webhookUrls.value
}

output "identity_client_id" {
  description = "Client id of the managed identity."
  value       = azapi_resource.bridge.output.outputs.identityClientId.value
}

output "identity_principal_id" {
  description = "Object id of the managed identity, to which permissions are granted."
  value       = azapi_resource.bridge.output.outputs.identityPrincipalId.value
}

output "account_vault_name" {
  description = "Key vault of the account's sign-in."
  value       = azapi_resource.bridge.output.outputs.accountVaultName.value
}

output "secrets_vault_name" {
  description = "Key vault of the secrets of webhooks."
  value       = azapi_resource.bridge.output.outputs.secretsVaultName.value
}

output "secret_commands" {
  description = "Commands that print the secrets that this deployment has made, to paste them into the services."
  value       = azapi_resource.bridge.output.outputs.secretCommands.value
}

output "next_command" {
  description = "The command to run next, from a clone of the repository: it gives the identity what it needs in Microsoft 365."
  value       = azapi_resource.bridge.output.outputs.nextCommand.value
}
