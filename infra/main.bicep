// The entry point of `azd up`: a resource group that contains what the template for the portal deploys.
targetScope = 'subscription'

@description('Name of the azd environment and of the bridge.')
@minLength(3)
@maxLength(20)
param environmentName string

@description('Region of all resources: one that has Flex Consumption plans.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Default group: object id of the Microsoft 365 group that receives events that no route sends elsewhere.')
param group string

@description('Groups, routes and your own sources as TOML, in base64: quotes and line breaks pass unharmed.')
param configBase64 string = ''

// Secrets of webhooks (written by `make docs`).

@description('Secret of Alertmanager.')
@secure()
param alertmanagerSecret string = ''

@description('Secret of Apprise.')
@secure()
param appriseSecret string = ''

@description('Secret of Argo CD.')
@secure()
param argoCdSecret string = ''

@description('Secret of Azure Container Registry.')
@secure()
param azureContainerRegistrySecret string = ''

@description('Secret of Azure DevOps.')
@secure()
param azureDevopsSecret string = ''

@description('Secret of Better Stack.')
@secure()
param betterStackSecret string = ''

@description('Secret of Bitbucket.')
@secure()
param bitbucketSecret string = ''

@description('Secret of Bitbucket Data Center.')
@secure()
param bitbucketServerSecret string = ''

@description('Secret of Checkmk.')
@secure()
param checkmkSecret string = ''

@description('Secret of CircleCI.')
@secure()
param circleciSecret string = ''

@description('Secret of CloudEvents.')
@secure()
param cloudEventsSecret string = ''

@description('Secret of Datadog.')
@secure()
param datadogSecret string = ''

@description('Secret of Discord.')
@secure()
param discordSecret string = ''

@description('Secret of Dynatrace.')
@secure()
param dynatraceSecret string = ''

@description('Secret of Elastic.')
@secure()
param elasticSecret string = ''

@description('Secret of Azure Event Grid.')
@secure()
param eventGridSecret string = ''

@description('Secret of Falco.')
@secure()
param falcoSecret string = ''

@description('Secret of Flux.')
@secure()
param fluxSecret string = ''

@description('Secret of Freshstatus.')
@secure()
param freshstatusSecret string = ''

@description('Secret of Google Cloud Monitoring.')
@secure()
param gcpMonitoringSecret string = ''

@description('Secret of GitHub.')
@secure()
param githubSecret string = ''

@description('GitHub App private key, in base64.')
@secure()
param githubAppKeySecret string = ''

@description('GitHub token for requesting failed webhooks again.')
@secure()
param githubTokenSecret string = ''

@description('Secret of GitLab.')
@secure()
param gitlabSecret string = ''

@description('Secret of Gotify.')
@secure()
param gotifySecret string = ''

@description('Secret of Grafana.')
@secure()
param grafanaSecret string = ''

@description('Secret of Healthchecks.')
@secure()
param healthchecksSecret string = ''

@description('Secret of Home Assistant.')
@secure()
param homeAssistantSecret string = ''

@description('Secret of incident.io.')
@secure()
param incidentIoSecret string = ''

@description('Secret of Jira.')
@secure()
param jiraSecret string = ''

@description('Secret of Jira Service Management.')
@secure()
param jiraServiceManagementSecret string = ''

@description('Secret of Linear.')
@secure()
param linearSecret string = ''

@description('Secret of MessageCard.')
@secure()
param messagecardSecret string = ''

@description('Secret of Netdata.')
@secure()
param netdataSecret string = ''

@description('Secret of New Relic.')
@secure()
param newRelicSecret string = ''

@description('Secret of ntfy.')
@secure()
param ntfySecret string = ''

@description('Secret of Octopus Deploy.')
@secure()
param octopusDeploySecret string = ''

@description('Secret of Opsgenie.')
@secure()
param opsgenieSecret string = ''

@description('Secret of PagerDuty.')
@secure()
param pagerdutySecret string = ''

@description('Secret of Rootly.')
@secure()
param rootlySecret string = ''

@description('Secret of Sentry.')
@secure()
param sentrySecret string = ''

@description('Secret of Slack.')
@secure()
param slackSecret string = ''

@description('Secret of Snyk.')
@secure()
param snykSecret string = ''

@description('Secret of SonarQube.')
@secure()
param sonarqubeSecret string = ''

@description('Secret of Standard Webhooks.')
@secure()
param standardWebhooksSecret string = ''

@description('Secret of Stripe.')
@secure()
param stripeSecret string = ''

@description('Secret of Microsoft Teams.')
@secure()
param teamsSecret string = ''

@description('Secret of Terraform Cloud.')
@secure()
param terraformCloudSecret string = ''

@description('Secret of Uptime Kuma.')
@secure()
param uptimeKumaSecret string = ''

@description('Secret of UptimeRobot.')
@secure()
param uptimerobotSecret string = ''

@description('Secret of Zabbix.')
@secure()
param zabbixSecret string = ''

// End of secrets.

@description('Object id of the user or group that manages the secrets in the key vault; empty: the account that deploys.')
param secretsOfficer string = ''

@description('Secure webhooks of Azure Monitor: client id of the app registration for which their tokens are issued.')
param azureMonitorAudience string = ''

@description('Amazon SNS: ARNs of the topics that may send, separated by commas.')
param awsSnsTopics string = ''

@description('Repositories and organizations of GitHub whose failed webhooks are delivered again.')
param githubHooks string = ''

@description('Id of a GitHub App whose failed webhooks are delivered again.')
param githubAppId string = ''

@description('URL of the API of GitHub Enterprise Server.')
param githubApiUrl string = ''

@description('Identity that posts: managed-identity, agent-user or service-account.')
param identity string = 'managed-identity'

@description('How posts are delivered to groups: mail or threads.')
param channel string = 'mail'

@description('Address of the shared mailbox from which posts are sent.')
param mailFrom string = ''

@description('Lowest severity at which mail gets high importance: never, warning, error or critical.')
param mailImportance string = 'never'

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

@description('Address that receives the alerts.')
param alertEmail string = ''

@description('First day of the month in which the budget starts; needed for a budget.')
param budgetStart string = utcNow('yyyy-MM-01')

@description('Whether to recover the key vaults that were deleted with the resource group less than 7 days ago.')
param recoverVaults bool = false

@description('How instances are updated: Recreate or RollingUpdate.')
param updateStrategy string = 'Recreate'

@description('Whether plan and storage span availability zones.')
param zoneRedundant bool = false

@description('Whether storage and key vaults are reached only through private endpoints.')
param privateNetwork bool = false

@description('Addresses of the virtual network: a /24 that no peered network uses.')
param networkAddresses string = '10.60.0.0/24'

@description('Whether three places ask the app for its health every 15 minutes.')
param availabilityTest bool = false

@description('Always-ready instances for webhooks.')
param alwaysReady int = 0

@description('Always-ready instances for posting.')
param alwaysReadyPublish int = 0

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemory int = 512

@description('Webhooks that an instance handles at the same time: four for each 512 MB.')
param requestsPerInstance int = 4

@description('Monthly budget in the currency of the subscription; 0: none.')
param monthlyBudget int = 0

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
    config: empty(configBase64) ? '' : base64ToString(configBase64)
    webhookSecrets: {
      alertmanager: alertmanagerSecret
      apprise: appriseSecret
      argo_cd: argoCdSecret
      azure_container_registry: azureContainerRegistrySecret
      azure_devops: azureDevopsSecret
      better_stack: betterStackSecret
      bitbucket: bitbucketSecret
      bitbucket_server: bitbucketServerSecret
      checkmk: checkmkSecret
      circleci: circleciSecret
      cloud_events: cloudEventsSecret
      datadog: datadogSecret
      discord: discordSecret
      dynatrace: dynatraceSecret
      elastic: elasticSecret
      event_grid: eventGridSecret
      falco: falcoSecret
      flux: fluxSecret
      freshstatus: freshstatusSecret
      gcp_monitoring: gcpMonitoringSecret
      github: githubSecret
      github_app_key: githubAppKeySecret
      github_token: githubTokenSecret
      gitlab: gitlabSecret
      gotify: gotifySecret
      grafana: grafanaSecret
      healthchecks: healthchecksSecret
      home_assistant: homeAssistantSecret
      incident_io: incidentIoSecret
      jira: jiraSecret
      jira_service_management: jiraServiceManagementSecret
      linear: linearSecret
      messagecard: messagecardSecret
      netdata: netdataSecret
      new_relic: newRelicSecret
      ntfy: ntfySecret
      octopus_deploy: octopusDeploySecret
      opsgenie: opsgenieSecret
      pagerduty: pagerdutySecret
      rootly: rootlySecret
      sentry: sentrySecret
      slack: slackSecret
      snyk: snykSecret
      sonarqube: sonarqubeSecret
      standard_webhooks: standardWebhooksSecret
      stripe: stripeSecret
      teams: teamsSecret
      terraform_cloud: terraformCloudSecret
      uptime_kuma: uptimeKumaSecret
      uptimerobot: uptimerobotSecret
      zabbix: zabbixSecret
    }
    secretsOfficer: secretsOfficer
    azureMonitorAudience: azureMonitorAudience
    awsSnsTopics: awsSnsTopics
    githubHooks: githubHooks
    githubAppId: githubAppId
    githubApiUrl: githubApiUrl
    identity: identity
    channel: channel
    mailFrom: mailFrom
    mailImportance: mailImportance
    blueprintId: blueprintId
    agentId: agentId
    agentUserId: agentUserId
    appId: appId
    timeZone: timeZone
    alertEmail: alertEmail
    budgetStart: budgetStart
    recoverVaults: recoverVaults
    updateStrategy: updateStrategy
    zoneRedundant: zoneRedundant
    privateNetwork: privateNetwork
    networkAddresses: networkAddresses
    availabilityTest: availabilityTest
    alwaysReady: alwaysReady
    alwaysReadyPublish: alwaysReadyPublish
    instanceMemory: instanceMemory
    requestsPerInstance: requestsPerInstance
    monthlyBudget: monthlyBudget
    // azd deploys its own package afterwards.
    packageUri: ''
  }
}

output AZURE_RESOURCE_GROUP string = resourceGroup.name
output BRIDGE_APP string = bridge.outputs.appName
output BRIDGE_URL string = bridge.outputs.appUrl
output BRIDGE_WEBHOOKS array = bridge.outputs.webhookUrls
output BRIDGE_CLIENT_ID string = bridge.outputs.identityClientId
output BRIDGE_PRINCIPAL_ID string = bridge.outputs.identityPrincipalId
output BRIDGE_KEY_VAULT string = bridge.outputs.accountVaultName
output BRIDGE_SECRETS_VAULT string = bridge.outputs.secretsVaultName
output BRIDGE_NEXT_COMMAND string = bridge.outputs.nextCommand
