#!/usr/bin/env bash
# Run by `azd provision` after the resources have been created: gives the managed identity the permissions it needs.
#
#   after-provision.sh [--dry-run] [--yes]
#
# It reads the azd environment: BRIDGE_IDENTITY, BRIDGE_CHANNEL, and the outputs of the deployment. Some identities also
# need these values; without them it prints the command to run, and does nothing:
#
#   service-account   BRIDGE_ACCOUNT, the user who signs in
#   agent-user        BRIDGE_SPONSOR, the person responsible for the agent, and BRIDGE_AGENT_USER_ID, its user
#
# The settings that the scripts print are saved in the azd environment and in the app.
set -euo pipefail
scripts=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/common.sh
. "$scripts/common.sh"

arguments -- "$@"
passed=()
[[ ! $dry_run ]] || passed+=(--dry-run)
[[ ! $yes ]] || passed+=(--yes)
: "${AZURE_RESOURCE_GROUP:?run it with azd provision}" "${BRIDGE_APP:?run it with azd provision}"

printed=$(
  case ${BRIDGE_IDENTITY:-managed-identity}/${BRIDGE_CHANNEL:-mail} in
    service-account/*)
      [[ ${BRIDGE_ACCOUNT:-} ]] || fail "azd env set BRIDGE_ACCOUNT <user>, or run: ${BRIDGE_NEXT_COMMAND:-}"
      "$scripts/make-service-account-app.sh" --url "$BRIDGE_URL" --client-id "$BRIDGE_CLIENT_ID" \
        --account "$BRIDGE_ACCOUNT" --vault "$BRIDGE_KEY_VAULT" --group "$BRIDGE_GROUP" ${passed[@]+"${passed[@]}"}
      ;;
    agent-user/*)
      [[ ${BRIDGE_SPONSOR:-} && ${BRIDGE_AGENT_USER_ID:-} ]] ||
        fail "azd env set BRIDGE_SPONSOR and BRIDGE_AGENT_USER_ID, or run: ${BRIDGE_NEXT_COMMAND:-}"
      "$scripts/make-agent-user.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        --sponsor "$BRIDGE_SPONSOR" --user "$BRIDGE_AGENT_USER_ID" --group "$BRIDGE_GROUP" ${passed[@]+"${passed[@]}"}
      ;;
    */mail)
      say "Run as an Exchange administrator: ${BRIDGE_NEXT_COMMAND:-scripts/make-mailbox.ps1}"
      # This role lets the bridge look up the address of a group.
      "$scripts/grant-graph-role.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        --role GroupMember.Read.All ${passed[@]+"${passed[@]}"} >/dev/null
      ;;
    *)
      "$scripts/grant-graph-role.sh" --app "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
        ${passed[@]+"${passed[@]}"} >/dev/null
      ;;
  esac
)
settings=()
while IFS= read -r setting; do
  [[ ! $setting ]] || settings+=("$setting")
done <<<"$printed"
((${#settings[@]})) || exit 0
if [[ $dry_run ]]; then
  say "Would change these settings of $BRIDGE_APP:" "${settings[@]}"
  exit 0
fi
for setting in "${settings[@]}"; do
  azd env set "${setting%%=*}" "${setting#*=}"
done
purpose="Changing the settings of $BRIDGE_APP"
ask functionapp config appsettings set --name "$BRIDGE_APP" --resource-group "$AZURE_RESOURCE_GROUP" \
  --settings "${settings[@]}" --query '[name]'
say "The settings are saved in $BRIDGE_APP and in this azd environment."
