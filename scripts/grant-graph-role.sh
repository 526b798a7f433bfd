#!/usr/bin/env bash
# Grants an application permission (a role) of Microsoft Graph to the bridge's managed identity, with consent.
#
#   grant-graph-role.sh --app <function app> --resource-group <group> [--role <role>]
#
#   --app, --resource-group   the function app with the identity; or
#   --client-id               the client id of a user-assigned identity; or
#   --principal-id            the object id of the identity
#   --role                    the role; default: Group-Conversation.ReadWrite.All, which Microsoft documents for reading
#                             threads and for replying to posts (in a seeded thread), but not for creating threads.
#                             GroupMember.Read.All lets the mail channel look up the addresses of groups.
#   --cloud                   global (default), us-gov, us-dod or china
#   --subscription            id or name of the subscription of the app; default: that of azd, else that of az
#   --hand-out                print the one command that an administrator runs instead, and change nothing
#   --dry-run                 print the changes, but do not make them
#   --yes                     do not ask before the first change
#
# Sign in with `az login` as a Privileged Role Administrator in Entra. A role that was granted before is left unchanged.
# docs/identity.md explains how to revoke it.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

role=Group-Conversation.ReadWrite.All
arguments app resource-group client-id principal-id role -- "$@"
case $role in
  Mail.* | full_access_as_app)
    fail "In Entra, $role is valid for every mailbox of the tenant: use make-mailbox.ps1, which grants it for one mailbox only."
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
if [[ ! $answer ]]; then
  path=/servicePrincipals/$graph_principal/appRoleAssignedTo
  body="{\"principalId\": \"$principal_id\", \"resourceId\": \"$graph_principal\", \"appRoleId\": \"$role_id\"}"
  hands_over graph-role "az rest --method post --url https://$graph_host/v1.0$path --resource https://$graph_host --body '$body'"
  change "grant $role of Microsoft Graph to the managed identity $principal_id" graph post "$path" id "$body"
fi

say 'The current token of the app may be valid for another day, without the role: restart the app.'
finish BRIDGE_IDENTITY=managed-identity "BRIDGE_CLIENT_ID=$client_id"
