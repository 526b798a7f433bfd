#!/usr/bin/env bash
# Creates an agent's user in Entra Agent ID, as which the bridge posts with its managed identity and without a secret.
#
#   make-agent-user.sh --app <function app> --resource-group <group> --sponsor <user> --user <name@domain>
#                      --group <group id> [--group <group id>]
#
#   --app, --resource-group   the function app with the managed identity; or
#   --client-id               the client id of a user-assigned identity; or
#   --principal-id            the object id of the identity
#   --sponsor                 the person responsible for the agent: object id or user principal name
#   --user                    the user principal name for the agent's new user
#   --group                   the object id of a Microsoft 365 group to post to; may be given several times
#   --name                    the name of blueprint, agent and user; default: Webhook bridge
#   --cloud                   global (default), us-gov, us-dod or china
#   --as-person               try it as a person: see below
#   --subscription            id or name of the subscription of the app; default: that of azd, else that of az
#   --hand-out                print the one command that an administrator runs instead, and change nothing
#   --dry-run                 print the changes, but do not make them
#   --yes                     do not ask before the first change
#
# It creates the blueprint and its principal, adds the managed identity as the blueprint's credential, creates the agent
# identity and its user, consents to Group-Conversation.ReadWrite.All for this user only, and adds it to the groups.
# Whatever exists already (by name and user principal name) is left unchanged.
#
# Sign in to `az` as an application (az login --service-principal): according to Microsoft's reference, Graph ignores the
# Agent ID permissions of a client with Directory.AccessAsUser.All, which az has when a person is signed in. The
# application needs these roles of Microsoft Graph, and can be deleted afterwards:
#   Application.Read.All, User.Read.All, AgentIdentityBlueprint.Create, AgentIdentityBlueprint.AddRemoveCreds.All,
#   AgentIdentityBlueprintPrincipal.Create, AgentIdentity.Create.All, AgentIdUser.ReadWrite.All,
#   DelegatedPermissionGrant.ReadWrite.All, GroupMember.ReadWrite.All
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sponsor='' user='' group='' name='Webhook bridge' as_person=''
blueprint='' blueprint_id='' agent='' user_id='' parent=''
arguments app resource-group client-id principal-id sponsor user group+ name as-person! -- "$@"
needs sponsor user group
[[ $user == *?@?* ]] || fail '--user must be a user principal name like webhook-bridge@contoso.com.'
start
if [[ $signed_in == user && ! $dry_run && ! $hand_out && ! $as_person ]]; then
  fail 'az is signed in as a person, for whom Graph refuses these requests (403): --help describes how to sign in.' \
    'To try it anyway, add --as-person.'
fi
find_identity
find_graph

check_groups "$group"
hands_over agent-user "scripts/make-agent-user.sh --principal-id $principal_id --sponsor $sponsor --user $user\
${group// / --group } --name '$name'"
look "the sponsor $sponsor" graph get "/users/$sponsor?\$select=id" id
sponsors="\"sponsors@odata.bind\": [\"https://$graph_host/v1.0/users/$answer\"]"

look "the blueprint '$name'" graph get \
  "/applications/microsoft.graph.agentIdentityBlueprint?\$filter=displayName eq '$name'" 'value[].[id,appId] | []'
[[ $answer ]] || change "create the agent identity blueprint '$name'" \
  graph post /applications/microsoft.graph.agentIdentityBlueprint '[id,appId]' "{\"displayName\": \"$name\", $sponsors}"
two blueprint blueprint_id

look 'the principal of the blueprint' graph get \
  "/servicePrincipals?\$filter=appId eq '$blueprint_id'&\$select=id" 'value[0].id'
[[ $answer ]] || change 'create the principal of the blueprint' \
  graph post /servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal id "{\"appId\": \"$blueprint_id\"}"

# https://learn.microsoft.com/graph/api/agentidentityblueprint-post-federatedidentitycredentials
trust "/applications/$blueprint/microsoft.graph.agentIdentityBlueprint"

look "the agent identity '$name'" graph get \
  "/servicePrincipals/microsoft.graph.agentIdentity?\$filter=displayName eq '$name'" \
  "value[?agentIdentityBlueprintId=='$blueprint_id'].id | [0]"
[[ $answer ]] || change "create the agent identity '$name'" \
  graph post /servicePrincipals/microsoft.graph.agentIdentity id \
  "{\"displayName\": \"$name\", \"agentIdentityBlueprintId\": \"$blueprint_id\", $sponsors}"
two agent _

look "the agent's user $user" graph get \
  "/users/microsoft.graph.agentUser?\$filter=userPrincipalName eq '$user'&\$select=id,identityParentId" \
  'value[].[id,identityParentId] | []'
two user_id parent
[[ ! $user_id || $parent == "$agent" ]] || fail "$user is the user of another agent identity ($parent)."
[[ $user_id ]] || change "create the agent's user $user" graph post /users/microsoft.graph.agentUser id \
  "{\"displayName\": \"$name\", \"userPrincipalName\": \"$user\", \"mailNickname\": \"${user%%@*}\",
    \"accountEnabled\": true, \"identityParentId\": \"$agent\"}"
[[ $user_id ]] || two user_id _

consent "$agent" "$user_id" Group-Conversation.ReadWrite.All
make_member "$user_id" "$group"

finish BRIDGE_IDENTITY=agent-user "BRIDGE_TENANT_ID=$tenant" "BRIDGE_BLUEPRINT_ID=$blueprint_id" \
  "BRIDGE_AGENT_ID=$agent" "BRIDGE_AGENT_USER_ID=$user_id" "BRIDGE_CLIENT_ID=$client_id"
