// The entry point of `azd up`: a resource group that contains what the template for the portal deploys.
targetScope = 'subscription'

@description('Name of the azd environment and of the bridge.')
@minLength(3)
@maxLength(20)
param environmentName string

@description('Region of all resources. It must support Flex Consumption plans.')
param location string

@description('Default group: object id of the Microsoft 365 group that receives what no route sends elsewhere.')
param group string

@description('Groups, routes and your own sources as TOML.')
param config string = ''

@description('Secrets of webhooks by the name of their source.')
@secure()
param webhookSecrets object

@description('Secure webhooks of Azure Monitor: client id of the app registration for which their tokens are issued.')
param azureMonitorAudience string = ''

@description('Identity that posts: managed-identity, agent-user or service-account.')
param identity string = 'managed-identity'

@description('How posts are delivered to groups: mail or threads.')
param channel string = 'mail'

@description('Address of the shared mailbox from which posts are sent.')
param mailFrom string = ''

@description('Client id of the agent identity blueprint.')
param blueprintId string = ''

@description('Client id of the agent identity.')
param agentId string = ''

@description('Object id or user principal name of the user of the agent.')
param agentUserId string = ''

@description('Client id of the app registration to which the account signs in.')
param appId string = ''

@description('Time zone of the times in posts.')
param timeZone string = 'UTC'

@description('Always-ready instances.')
param alwaysReady int = 0

@description('Address that receives the alerts: dead letters, late posts, failures.')
param alertEmail string = ''

resource resourceGroup 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: { 'azd-env-name': environmentName }
}

module bridge '../azuredeploy.json' = {
  name: 'bridge'
  scope: resourceGroup
  params: {
    name: environmentName
    location: location
    tags: { 'azd-env-name': environmentName }
    group: group
    config: config
    webhookSecrets: webhookSecrets
    azureMonitorAudience: azureMonitorAudience
    identity: identity
    channel: channel
    mailFrom: mailFrom
    blueprintId: blueprintId
    agentId: agentId
    agentUserId: agentUserId
    appId: appId
    timeZone: timeZone
    alwaysReady: alwaysReady
    alertEmail: alertEmail
  }
}

output AZURE_RESOURCE_GROUP string = resourceGroup.name
output BRIDGE_APP string = bridge.outputs.appName
output BRIDGE_URL string = bridge.outputs.appUrl
output BRIDGE_WEBHOOKS array = bridge.outputs.webhookUrls
output BRIDGE_CLIENT_ID string = bridge.outputs.identityClientId
output BRIDGE_PRINCIPAL_ID string = bridge.outputs.identityPrincipalId
output BRIDGE_KEY_VAULT string = bridge.outputs.accountVaultName
output BRIDGE_NEXT_COMMAND string = bridge.outputs.nextCommand
