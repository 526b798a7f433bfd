#!/usr/bin/env bash
# Creates the app registration that a service account signs in to, with the bridge's managed identity as its credential.
#
#   make-service-account-app.sh --url https://<app>.azurewebsites.net --client-id <id> --account <user> --vault <name>
#                               --group <group id> [--group <group id>]
#
#   --url         the URL of the app; the sign-in returns to /api/sign-in/callback there
#   --client-id   the client id of the app's user-assigned managed identity
#   --account     the service account: object id or user principal name of a user with a licence
#   --vault       the name of the key vault for the sign-in
#   --group       the object id of a Microsoft 365 group to post to; may be given several times
#   --name        the name of the app registration; default: Webhook bridge
#   --cloud       global (default), us-gov, us-dod or china
#   --subscription  id or name of the subscription of the vault; default: that of azd, else that of az
#   --hand-out    print the one command that an administrator runs instead, and change nothing
#   --dry-run     print the changes, but do not make them
#   --yes         do not ask before the first change
#
# It creates the app registration (for this tenant only) and its service principal, adds the managed identity as its
# credential, consents to Group-Conversation.ReadWrite.All, openid, profile and offline_access for the account only,
# gives the identity the role Key Vault Secrets Officer on the vault, and adds the account to the groups. Whatever exists
# already is left unchanged; the app registration is recognized by its name.
#
# Sign in with `az login` as a user with the Entra roles Groups Administrator and Privileged Role Administrator (or Cloud
# Application Administrator) who is Owner or User Access Administrator of the vault. Afterwards the account signs in
# once: python -m bridge sign-in https://<app>.azurewebsites.net
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scopes='Group-Conversation.ReadWrite.All openid profile offline_access'
url='' account='' vault='' group='' name='Webhook bridge' application='' app_id='' principal=''
arguments url client-id account vault group+ name -- "$@"
needs url client-id account vault group
[[ $url =~ ^https://[A-Za-z0-9.-]+/?$ ]] || fail '--url must be https:// and the host of the app, without a path.'
redirect="${url%/}/api/sign-in/callback"
start
refuse_cloud_shell
find_identity
find_graph

check_groups "$group"
command="scripts/make-service-account-app.sh --url $url --client-id $client_id --account $account --vault $vault"
command+="${group// / --group } --name '$name'"
[[ ! $subscription ]] || command+=" --subscription '$subscription'"
hands_over service-account "$command"
look "the account $account" graph get "/users/$account?\$select=id" id
account_id=$answer
look "the key vault $vault" arm keyvault show --name "$vault" \
  --query '[properties.enableRbacAuthorization,id,properties.vaultUri]'
{ read -r by_roles && read -r vault_id && read -r vault_url; } <<<"$answer" || fail "$purpose: unexpected output."
[[ $by_roles == true ]] || fail "$vault uses access policies: set its permission model to Azure role-based access control."

wanted=''
for scope in $scopes; do wanted+="${wanted:+ || }value=='$scope'"; done
look 'the permissions of Microsoft Graph' graph get \
  "/servicePrincipals/$graph_principal?\$select=oauth2PermissionScopes" \
  "oauth2PermissionScopes[?$wanted].id"
[[ $(wc -l <<<"$answer") -eq $(wc -w <<<"$scopes") ]] || fail "Microsoft Graph does not have all of: $scopes."
permissions=''
for id in $answer; do permissions+="${permissions:+, }{\"id\": \"$id\", \"type\": \"Scope\"}"; done

look "the app registration '$name'" graph get \
  "/applications?\$filter=displayName eq '$name'&\$select=id,appId" 'value[].[id,appId] | []'
[[ $answer ]] || change "create the app registration '$name', with the redirect URI $redirect" \
  graph post /applications '[id,appId]' \
  "{\"displayName\": \"$name\", \"signInAudience\": \"AzureADMyOrg\", \"web\": {\"redirectUris\": [\"$redirect\"]},
    \"requiredResourceAccess\": [{\"resourceAppId\": \"$graph_app\", \"resourceAccess\": [$permissions]}]}"
two application app_id

look "the redirect URIs of '$name'" graph get "/applications/$application?\$select=web" 'web.redirectUris'
if [[ $application != "$unknown" && $'\n'$answer$'\n' != *$'\n'$redirect$'\n'* ]]; then
  uris="\"$redirect\""
  for uri in $answer; do uris+=", \"$uri\""; done
  change "add the redirect URI $redirect to '$name'" \
    graph patch "/applications/$application" id "{\"web\": {\"redirectUris\": [$uris]}}"
fi

look 'its service principal' graph get "/servicePrincipals?\$filter=appId eq '$app_id'&\$select=id" 'value[0].id'
[[ $answer ]] || change 'create its service principal' graph post /servicePrincipals id "{\"appId\": \"$app_id\"}"
two principal _

trust "/applications/$application"
consent "$principal" "$account_id" "$scopes"

officer='Key Vault Secrets Officer'
look "the roles on $vault" arm role assignment list --assignee "$principal_id" --role "$officer" --scope "$vault_id" \
  --include-inherited --query '[0].id'
[[ $answer ]] || change "give the managed identity the role $officer on the key vault $vault" \
  arm role assignment create --assignee-object-id "$principal_id" --assignee-principal-type ServicePrincipal \
  --role "$officer" --scope "$vault_id" --query id

make_member "$account_id" "$group"

say "Next, the account must sign in once: python -m bridge sign-in ${url%/}"
finish BRIDGE_IDENTITY=service-account "BRIDGE_TENANT_ID=$tenant" "BRIDGE_APP_ID=$app_id" \
  "BRIDGE_CLIENT_ID=$client_id" "BRIDGE_KEY_VAULT_URL=$vault_url" "BRIDGE_PUBLIC_URL=${url%/}"
