# Written by `make docs` from azuredeploy.json.

locals {
  given = {
    name                 = var.name
    tags                 = var.tags
    group                = var.group
    config               = var.config
    generatedSecrets     = var.generated_secrets
    keptSecrets          = var.kept_secrets
    secretsOfficer       = var.secrets_officer
    azureMonitorAudience = var.azure_monitor_audience
    awsSnsTopics         = var.aws_sns_topics
    githubHooks          = var.github_hooks
    githubAppId          = var.github_app_id
    githubApiUrl         = var.github_api_url
    identity             = var.identity
    channel              = var.channel
    mailFrom             = var.mail_from
    mailImportance       = var.mail_importance
    tenantId             = var.tenant_id
    blueprintId          = var.blueprint_id
    agentId              = var.agent_id
    agentUserId          = var.agent_user_id
    appId                = var.app_id
    keyVaultEntry        = var.key_vault_entry
    publicUrl            = var.public_url
    cloud                = var.cloud
    graphUrl             = var.graph_url
    templates            = var.templates
    timeZone             = var.time_zone
    settleSeconds        = var.settle_seconds
    digestOver           = var.digest_over
    reopenMinutes        = var.reopen_minutes
    threadDays           = var.thread_days
    giveUpHours          = var.give_up_hours
    historyDays          = var.history_days
    keepPayloadsHours    = var.keep_payloads_hours
    watchdogMinutes      = var.watchdog_minutes
    pictures             = var.pictures
    imageHosts           = var.image_hosts
    useKeyVault          = var.use_key_vault
    recoverVaults        = var.recover_vaults
    alwaysReady          = var.always_ready
    alwaysReadyPublish   = var.always_ready_publish
    instanceMemory       = var.instance_memory
    maximumInstances     = var.maximum_instances
    requestsPerInstance  = var.requests_per_instance
    updateStrategy       = var.update_strategy
    zoneRedundant        = var.zone_redundant
    privateNetwork       = var.private_network
    networkAddresses     = var.network_addresses
    retentionDays        = var.retention_days
    alertEmail           = var.alert_email
    availabilityTest     = var.availability_test
    monthlyBudget        = var.monthly_budget
    budgetStart          = var.budget_start
    packageUri           = var.package_uri
  }
  parameters = { for name, value in local.given : name => { value = value } if value != null }
}
