// Grants the bridge's managed identity its application permission in Microsoft Graph, instead of scripts/grant-graph-role.sh.
//
//   az deployment group create --resource-group <group> --template-file infra/grant.bicep --parameters principalId=<object id>
//
// For those who may grant it: Microsoft Graph needs AppRoleAssignment.ReadWrite.All and Application.Read.All of the account that deploys
// (a Privileged Role Administrator has both). https://learn.microsoft.com/graph/templates/reference/approleassignedto
// To delete the deployment does not take the permission back: docs/grants/graph-role.md does.
extension 'br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0'

@description('Object id of the managed identity: the output identityPrincipalId of the deployment.')
@minLength(36)
param principalId string

@description('GroupMember.Read.All lets the channel mail look up addresses of groups. Group-Conversation.ReadWrite.All is for a seeded thread.')
@allowed([
  'GroupMember.Read.All'
  'Group-Conversation.ReadWrite.All'
])
param role string = 'GroupMember.Read.All'

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource grant 'Microsoft.Graph/appRoleAssignedTo@v1.0' = {
  principalId: principalId
  resourceId: graph.id
  appRoleId: filter(graph.appRoles, appRole => appRole.value == role)[0].id
}
