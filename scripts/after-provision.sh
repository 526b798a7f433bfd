#!/usr/bin/env bash
# Run by azd after it has provisioned: gives the managed identity the permissions that it needs.
#
#   after-provision.sh [--dry-run] [--yes]
#
# It reads the azd environment: BRIDGE_IDENTITY, BRIDGE_CHANNEL, and the outputs of the deployment. Some identities also
# need these values:
#
#   service-account   BRIDGE_ACCOUNT, the user who signs in
#   agent-user        BRIDGE_SPONSOR, the person responsible for the agent, and BRIDGE_AGENT_USER, the user principal name
#                     of its user
#
# The settings that the scripts print are saved in the azd environment and in the app. What cannot be done here is a
# warning with the command to run, and no failure: azd goes on and deploys the code. It can be run again.
set -euo pipefail
scripts=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/common.sh
. "$scripts/common.sh"

arguments -- "$@"
passed=()
[[ ! $dry_run ]] || passed+=(--dry-run)
[[ ! $yes ]] || passed+=(--yes)

# Prints what is left to do, and ends without a failure.
warn() {
  say "Warning: $*"
  [[ ! ${BRIDGE_NEXT_COMMAND:-} ]] || say "Nothing is posted until this has been run: $BRIDGE_NEXT_COMMAND"
  exit 0
}

# The user principal name of the agent's user; after the first run BRIDGE_AGENT_USER_ID is its object id.
agent_user() {
  local name=${BRIDGE_AGENT_USER:-}
  [[ $name || ${BRIDGE_AGENT_USER_ID:-} != *?@?* ]] || name=$BRIDGE_AGENT_USER_ID
  printf '%s' "$name"
}

# Prints the settings for the identity that posts.
grant() {
  case ${BRIDGE_IDENTITY:-managed-identity}/${BRIDGE_CHANNEL:-mail} in
    service-account/*)
      "$scripts/make-service-account-app.sh" --url "$BRIDGE_URL" --client-id "$BRIDGE_CLIENT_ID" \
        --account "$BRIDGE_ACCOUNT" --vault "$BRIDGE_KEY_VAULT" --group "$BRIDGE_GROUP" ${passed[@]+"${passed[@]}"}
      ;;
    agent-user/*)
      "$scripts/make-agent-user.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        --sponsor "$BRIDGE_SPONSOR" --user "$(agent_user)" --group "$BRIDGE_GROUP" ${passed[@]+"${passed[@]}"}
      ;;
    */mail)
      say "Run as an Exchange administrator (docs/grants/mail.md): ${BRIDGE_NEXT_COMMAND:-scripts/make-mailbox.ps1}"
      # This role lets the bridge look up the address of a group.
      "$scripts/grant-graph-role.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        --role GroupMember.Read.All ${passed[@]+"${passed[@]}"} >/dev/null ||
        say "Warning: GroupMember.Read.All was not granted. It is not needed if BRIDGE_CONFIG has the address of each" \
          'group: [groups] platform = { id = "...", mail = "platform@contoso.com" }'
      ;;
    *)
      "$scripts/grant-graph-role.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        ${passed[@]+"${passed[@]}"} >/dev/null
      ;;
  esac
}

[[ ${AZURE_RESOURCE_GROUP:-} && ${BRIDGE_APP:-} ]] || warn 'nothing is provisioned in this azd environment.'
case ${BRIDGE_IDENTITY:-managed-identity} in
  service-account) [[ ${BRIDGE_ACCOUNT:-} ]] || warn 'BRIDGE_ACCOUNT is missing: azd env set BRIDGE_ACCOUNT <user>.' ;;
  agent-user)
    [[ ${BRIDGE_SPONSOR:-} ]] || warn 'BRIDGE_SPONSOR is missing: azd env set BRIDGE_SPONSOR <person>.'
    [[ $(agent_user) ]] || warn 'BRIDGE_AGENT_USER is missing: azd env set BRIDGE_AGENT_USER <name@domain>.'
    ;;
esac

printed=$(grant) || warn 'the identity has not got its permission yet; the lines above say why.'
settings=()
while IFS= read -r setting; do
  [[ ! $setting ]] || settings+=("$setting")
done <<<"$printed"
((${#settings[@]})) || exit 0
if [[ $dry_run ]]; then
  say "Would change these settings of $BRIDGE_APP:" "${settings[@]}"
  exit 0
fi
[[ ${BRIDGE_IDENTITY:-} != agent-user ]] || azd env set BRIDGE_AGENT_USER "$(agent_user)" ||
  say 'Warning: azd env set failed: set BRIDGE_AGENT_USER yourself.'
for setting in "${settings[@]}"; do
  azd env set "${setting%%=*}" "${setting#*=}" || warn "azd env set failed: set ${setting%%=*} yourself."
done
(
  purpose="Changing the settings of $BRIDGE_APP"
  arm functionapp config appsettings set --name "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
    --settings "${settings[@]}" --query '[name]'
) || warn "set these settings of $BRIDGE_APP: ${settings[*]}"
say "The settings are saved in $BRIDGE_APP and in this azd environment."
