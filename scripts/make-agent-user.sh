#!/usr/bin/env bash
# Makes an agent's user of Entra Agent ID, as whom the bridge posts with its managed identity and no secret.
#
#   make-agent-user.sh --app <function app> --resource-group <group> --sponsor <user> --user <name@domain>
#                      --group <group id> [--group <group id>]
#
#   --app, --resource-group   the function app whose managed identity it is; or
#   --client-id               client id of a user-assigned identity; or
#   --principal-id            object id of the identity
#   --sponsor                 the person who answers for the agent: object id or user principal name
#   --user                    user principal name of the agent's user, to be made
#   --group                   object id of a Microsoft 365 group to post into; may be given again
#   --name                    name of blueprint, agent and user; default: Webhook bridge
#   --cloud                   global (default), us-gov, us-dod or china
#   --as-person               tries it as a person: see below
#   --dry-run                 looks, and says what would be changed
#   --yes                     does not ask before the first change
#
# It makes: the blueprint, its principal, the managed identity as the blueprint's credential, the agent identity, its
# user, the consent to Group-Conversation.ReadWrite.All for this user alone, and the memberships. What is there already
# (by name and user principal name) is left alone.
#
# Sign in to `az` as an application (az login --service-principal): Microsoft's reference says that Graph ignores the
# Agent ID permissions of a client that holds Directory.AccessAsUser.All, and az holds it when a person is signed in.
# The application needs these roles of Microsoft Graph, and can be deleted afterwards:
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
[[ $user == *?@?* ]] || fail '--user must be like webhook-bridge@contoso.com.'
start
if [[ $signed_in == user && ! $dry_run && ! $as_person ]]; then
  fail 'az is signed in as a person, whose requests Graph refuses here (403): --help says as whom to sign in.' \
    '--as-person tries it all the same.'
fi
find_identity
find_graph

check_groups "$group"
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

trust "$blueprint"

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
