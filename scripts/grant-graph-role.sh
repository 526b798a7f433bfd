#!/usr/bin/env bash
# Grants the bridge's managed identity a role of Microsoft Graph: an application permission, with its consent.
#
#   grant-graph-role.sh --app <function app> --resource-group <group> [--role <role>]
#
#   --app, --resource-group   the function app whose identity it is; or
#   --client-id               client id of a user-assigned identity; or
#   --principal-id            object id of the identity
#   --role                    the role; default: Group-Conversation.ReadWrite.All, which Microsoft lists for reading
#                             threads and for replies to posts (the seeded thread), but not for creating threads.
#                             GroupMember.Read.All lets the channel mail ask for the addresses of groups.
#   --cloud                   global (default), us-gov, us-dod or china
#   --dry-run                 looks, and says what would be changed
#   --yes                     does not ask before the first change
#
# It takes an `az login` with the Entra role Privileged Role Administrator. What is granted already is left alone.
# What to take away again, and how: docs/identity.md.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

role=Group-Conversation.ReadWrite.All
arguments app resource-group client-id principal-id role -- "$@"
case $role in
  Mail.* | full_access_as_app)
    fail "$role granted in Entra is good for every mailbox of the tenant. make-mailbox.ps1 grants it for one alone."
    ;;
esac
start
find_identity
find_graph

look "the role $role of Microsoft Graph" graph get \
  "/servicePrincipals/$graph_principal?\$select=appRoles" "appRoles[?value=='$role'].id | [0]"
role_id=$answer
[[ $role_id ]] || fail "Microsoft Graph has no application role $role."

look "the roles of $principal_id" graph get "/servicePrincipals/$principal_id/appRoleAssignments" \
  "value[?appRoleId=='$role_id' && resourceId=='$graph_principal'].id | [0]"
[[ $answer ]] || change "grant $role of Microsoft Graph to the managed identity $principal_id" \
  graph post "/servicePrincipals/$graph_principal/appRoleAssignedTo" id \
  "{\"principalId\": \"$principal_id\", \"resourceId\": \"$graph_principal\", \"appRoleId\": \"$role_id\"}"

say 'A token that the app has already may be without the role for a day: restart the app.'
finish BRIDGE_IDENTITY=managed-identity "BRIDGE_CLIENT_ID=$client_id"
