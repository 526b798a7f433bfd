# shellcheck shell=bash
# What the other scripts share: arguments, messages, and requests with `az`. This file is sourced, not run. It is limited
# to the features of bash 3.2, the version of macOS.

graph_app=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant
unknown='(new)'                                # on --dry-run, the id of an object that was not created
dry_run='' yes='' hand_out='' cloud=global
administrators='' page=''                      # the command for an administrator, and the page about it
app='' resource_group='' client_id='' principal_id='' graph_principal=''
subscription=${AZURE_SUBSCRIPTION_ID:-}         # azd sets it
changes=0 fresh='' purpose='' answer='' tenant='' signed_in='' cloud_shell=''
az_cloud='' graph_host='' login_host='' exchange=''
# Git's bash on Windows would take an id that begins with a slash for a path, and translate it.
export MSYS_NO_PATHCONV=1
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# Messages go to standard error: standard output has nothing but the settings.
say() { printf '%s\n' "$*" >&2; }

fail() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

# arguments <names...> -- "$@": sets a variable for each argument; --resource-group sets resource_group. A name that ends
# with + may be given several times; its variable has all values, separated by spaces. A name with ! takes no value.
arguments() {
  local names=' ' name variable
  while [[ $1 != -- ]]; do
    names+="$1 "
    shift
  done
  shift
  names+='cloud subscription dry-run! yes! hand-out! '
  while (($#)); do
    [[ $1 != --help ]] || help
    name=${1#--} variable=${1#--}
    variable=${variable//-/_}
    case "$1 $names" in
      --*" $name! "*)
        printf -v "$variable" yes
        shift
        continue
        ;;
      --*" $name "* | --*" $name+ "*) ;;
      *) fail "$1 is not an argument of this script: --help lists its arguments." ;;
    esac
    [[ ${2:-} ]] || fail "$1 needs a value."
    # Values become parts of JSON, of filters and of URLs.
    case $2 in
      *[\"\'\\\&\#\?\+%]* | *[[:cntrl:]]*) fail "The value of $1 must not contain quotes, backslashes, or & # ? + %." ;;
    esac
    if [[ $names == *" $name+ "* ]]; then
      [[ $2 != *' '* ]] || fail "The value of $1 must not contain spaces."
      printf -v "$variable" %s "${!variable} $2"
    else
      printf -v "$variable" %s "$2"
    fi
    shift 2
  done
}

# Prints the comment at the beginning of the script.
help() {
  sed -nE '2,/^[^#]/s/^#( |$)//p' "$0"
  exit 0
}

# needs <name>...: ends the script unless these arguments were given.
needs() {
  local name variable
  for name; do
    variable=${name//-/_}
    [[ ${!variable} ]] || fail "--$name is missing: --help describes it."
  done
}

# The hosts of the cloud, as in bridge/clouds.py, and its name in `az`.
choose_cloud() {
  az_cloud=AzureUSGovernment login_host=login.microsoftonline.us exchange=api://AzureADTokenExchangeUSGov
  case $cloud in
    global)
      az_cloud=AzureCloud graph_host=graph.microsoft.com login_host=login.microsoftonline.com
      exchange=api://AzureADTokenExchange
      ;;
    us-gov) graph_host=graph.microsoft.us ;;
    us-dod) graph_host=dod-graph.microsoft.us ;;
    china)
      az_cloud=AzureChinaCloud graph_host=microsoftgraph.chinacloudapi.cn login_host=login.chinacloudapi.cn
      exchange=api://AzureADTokenExchangeChina
      ;;
    *) fail "--cloud must be global, us-gov, us-dod or china." ;;
  esac
}

# Checks who is signed in to which tenant, and prints it.
start() {
  local who
  choose_cloud
  command -v az >/dev/null || fail "az was not found: install the Azure CLI, or use the Cloud Shell."
  answer=$(az account show --query '[user.cloudShellID,tenantId,user.name,user.type]' --output tsv 2>"$errors") ||
    fail "Nobody is signed in to az: run \`az login --allow-no-subscriptions\` first."
  answer=${answer//$'\r'/}
  # shellcheck disable=SC2034  # signed_in and cloud_shell are for the scripts
  { read -r cloud_shell && read -r tenant && read -r who && read -r signed_in; } <<<"$answer" ||
    fail "Unexpected output of az account show."
  if [[ $subscription ]]; then
    look "the subscription $subscription" arm account show --query tenantId
    # Requests to Graph go to the tenant of the default subscription.
    [[ $answer == "$tenant" ]] || fail "The subscription $subscription is in the tenant $answer, but az uses $tenant:" \
      "run \`az account set --subscription $subscription\`."
  fi
  look 'the cloud of az' ask cloud show --query name
  [[ $answer == "$az_cloud" ]] ||
    fail "az uses $answer, but --cloud $cloud means $az_cloud: run \`az cloud set --name $az_cloud\` and \`az login\`."
  say "Tenant $tenant, signed in as $who."
}

# ask <arguments of az...>: puts the output of az into $answer; if az fails, the script ends with a message.
ask() {
  local tries=0
  while ! answer=$(az "$@" --only-show-errors --output tsv 2>"$errors"); do
    tries=$((tries + 1))
    # New objects appear late in the directory; until then requests for them fail.
    if [[ $fresh ]] && ((tries < 7)) && grep -qiE 'not ?found|does not exist|not exist' "$errors"; then
      say 'wait: the directory does not show all new objects yet'
      sleep "${PAUSE:-$((tries * 5))}" # tests do not wait
      continue
    fi
    if [[ $administrators ]] && grep -qiE 'forbidden|insufficient privileges|authorization_?(requestdenied|failed)' "$errors"; then
      say "An administrator can run this. What it allows, why it is needed, and how to take it back: $page"
      say "  $administrators"
    fi
    fail "$purpose: az failed. $(tr -s '[:space:]' ' ' <"$errors" | cut -c 1-600)"
  done
  answer=${answer//$'\r'/} # as lines end on Windows
}

# arm <arguments of az...>: the same, in the given subscription.
arm() { ask "$@" ${subscription:+--subscription "$subscription"}; }

# The Cloud Shell signs in to Graph by itself, without the permissions to create applications and to consent.
refuse_cloud_shell() {
  [[ $cloud_shell != true || $dry_run || $hand_out ]] ||
    fail "The Cloud Shell may not do this as it is: run \`az login --use-device-code\` in it, then this again."
}

# graph <method> <path> <query> [<body>]: sends a request to Microsoft Graph; puts the result of the query into $answer.
graph() {
  ask rest --method "$1" --url "https://$graph_host/v1.0$2" --resource "https://$graph_host" --query "$3" \
    ${4:+--headers OData-Version=4.0 --body "$4"}
}

# hands_over <page> <command>: sets the command that an administrator runs where this account may not. With --hand-out,
# the script prints it and ends.
hands_over() {
  page=docs/grants/$1.md administrators=$2
  [[ $cloud == global || $2 == az* ]] || administrators+=" --cloud $cloud"
  [[ $hand_out ]] || return 0
  say "An administrator runs this. What it allows, why it is needed, and how to take it back: $page"
  printf '%s\n' "$administrators"
  exit 0
}

# look <at what> <command...>: runs the command; $answer is empty if it needs an object that --dry-run did not create.
look() {
  purpose="Looking at $1"
  shift
  answer=''
  [[ "$*" == *"$unknown"* ]] || "$@"
}

# change <what> <command...>: prints the change and makes it; with --dry-run, only prints it.
change() {
  purpose=$1
  shift
  changes=$((changes + 1))
  if [[ $dry_run ]]; then
    say "would: $purpose"
    answer="$unknown"$'\n'"$unknown"
    return
  fi
  say "change: $purpose"
  agree
  "$@"
  fresh=yes
}

agree() {
  local reply
  [[ ! $yes ]] || return 0
  [[ -t 0 ]] || fail 'Nothing was changed: add --yes to make changes without confirmation.'
  read -r -p "Make this and all other missing changes in the tenant $tenant? [y/N] " reply
  [[ $reply == [yY]* ]] || fail 'Nothing was changed.'
  yes=yes
}

# finish <setting>...: prints the number of changes, and the settings.
finish() {
  if ((!changes)); then
    say 'Nothing to change: everything is set up.'
  elif [[ $dry_run ]]; then
    say "Nothing was changed. Without --dry-run there would be $changes changes."
    return
  else
    say "Changes: $changes."
  fi
  say 'Settings for the app:'
  printf '%s\n' "$@"
  if [[ $cloud != global ]]; then printf '%s\n' "BRIDGE_CLOUD=$cloud"; fi
}

# two <first> <second>: puts the two lines of $answer into these variables; both are empty if there are none.
two() {
  local newline=$'\n'
  (($(wc -l <<<"$answer") <= 2)) ||
    fail "$purpose: there are several. Rename or remove the others, or choose another --name."
  printf -v "$1" %s "${answer%%"$newline"*}"
  printf -v "$2" %s "${answer##*"$newline"}"
}

# Puts the object id of Microsoft Graph in this tenant into $graph_principal.
find_graph() {
  look 'Microsoft Graph in the directory' graph get "/servicePrincipals?\$filter=appId eq '$graph_app'&\$select=id" \
    'value[0].id'
  [[ $answer ]] || fail 'The directory has no service principal for Microsoft Graph.'
  graph_principal=$answer
}

# Finds the managed identity named by --principal-id, by --client-id, or by --app and --resource-group. Puts its object id
# into $principal_id, and its client id into $client_id if it is user-assigned.
find_identity() {
  local type id user_assigned given="$principal_id$client_id"
  if [[ ! $given ]]; then
    [[ $app ]] || fail '--app, --client-id or --principal-id is missing: one of them must name the identity.'
    needs resource-group
    look "the identity of $app" arm functionapp identity show --name "$app" --resource-group "$resource_group" \
      --query principalId
    principal_id=$answer
  fi
  if [[ ! $given && ! $principal_id ]]; then
    look "the user-assigned identities of $app" arm functionapp identity show --name "$app" \
      --resource-group "$resource_group" --query 'userAssignedIdentities.*.[clientId,principalId] | []'
    [[ $answer ]] || fail "$app has no managed identity: enable one under Settings, Identity."
    [[ $(wc -l <<<"$answer") -eq 2 ]] || fail "$app has several identities: choose one with --client-id."
    two client_id principal_id
  fi
  if [[ ! $principal_id ]]; then
    look "the identity $client_id" graph get \
      "/servicePrincipals?\$filter=appId eq '$client_id'&\$select=id" 'value[0].id'
    principal_id=$answer
    [[ $principal_id ]] || fail "This tenant has no identity with the client id $client_id."
  fi
  look "the identity $principal_id" graph get \
    "/servicePrincipals/$principal_id?\$select=servicePrincipalType,appId,alternativeNames" \
    "[servicePrincipalType,appId,contains(join(' ',alternativeNames),'/userAssignedIdentities/')]"
  { read -r type && read -r id && read -r user_assigned; } <<<"$answer" || fail "$purpose: unexpected output."
  [[ $type == ManagedIdentity ]] || fail "$principal_id is not a managed identity but of the type $type."
  if [[ $user_assigned == true ]]; then client_id=$id; fi
}

# trust <path of an application>: makes the managed identity a credential of the application.
trust() {
  local issuer path="$1/federatedIdentityCredentials"
  look 'the issuer of the tenant' ask rest --method get --skip-authorization-header \
    --url "https://$login_host/$tenant/v2.0/.well-known/openid-configuration" --query issuer
  issuer=$answer
  look 'the credentials of the application' graph get "$path" \
    "value[?subject=='$principal_id'].name | [0]"
  [[ $answer ]] || change "add the managed identity $principal_id as a credential of the application" \
    graph post "$path" id \
    "{\"name\": \"managed-identity-$principal_id\", \"issuer\": \"$issuer\", \"subject\": \"$principal_id\",
      \"audiences\": [\"$exchange\"]}"
}

# consent <object id of a service principal> <object id of a user> <scopes>: consents to exactly these scopes, for this
# user only.
consent() {
  local grant scopes path=/oauth2PermissionGrants
  look 'the consents' graph get "$path?\$filter=clientId eq '$1'" \
    "value[?principalId=='$2' && resourceId=='$graph_principal'].[id,scope] | []"
  two grant scopes
  if [[ ! $grant ]]; then
    change "consent to $3 for the user $2 only" graph post "$path" id \
      "{\"clientId\": \"$1\", \"consentType\": \"Principal\", \"principalId\": \"$2\",
        \"resourceId\": \"$graph_principal\", \"scope\": \"$3\"}"
  elif [[ $(words "$scopes") != "$(words "$3")" ]]; then
    change "consent to $3 instead of ${scopes# } for the user $2 only" \
      graph patch "$path/$grant" id "{\"scope\": \"$3\"}"
  fi
}

# Prints the words of a text in alphabetical order.
words() { tr -s ' ' '\n' <<<"$1" | sed '/^$/d' | sort | tr '\n' ' '; }

# check_groups <groups>: ends the script unless all of them are Microsoft 365 groups.
check_groups() {
  local group name unified
  for group in $1; do
    look "the group $group" graph get "/groups/$group?\$select=displayName,groupTypes" \
      "[displayName,contains(groupTypes,'Unified')]"
    two name unified
    [[ $unified == true ]] || fail "$name ($group) is not a Microsoft 365 group, so it has no conversations."
  done
}

# make_member <object id of a user> <groups>: makes the user a member of all groups.
make_member() {
  local group
  for group in $2; do
    look "the groups of $1" graph post "/users/$1/checkMemberGroups" 'value[0]' "{\"groupIds\": [\"$group\"]}"
    [[ $answer ]] || change "make the user a member of the group $group" \
      graph post "/groups/$group/members/\$ref" id "{\"@odata.id\": \"https://$graph_host/v1.0/directoryObjects/$1\"}"
  done
}
