#!/usr/bin/env bash
# Run by azd before it provisions: saves the routes in the azd environment in a form that any text survives.
#
#   before-provision.sh
#
# It reads BRIDGE_CONFIG of the azd environment: the path of a TOML file, or the TOML text itself. Without it, it reads
# config.toml if there is one. azd puts values into JSON as they are, so the text is saved as base64, in
# BRIDGE_CONFIG_BASE64.
set -euo pipefail
if [[ ${1:-} == --help ]]; then
  sed -nE '2,/^[^#]/s/^#( |$)//p' "$0"
  exit 0
fi
config=${BRIDGE_CONFIG:-}
[[ $config || ! -f config.toml ]] || config=config.toml
[[ $config ]] || exit 0
if [[ $config != *[$'\n'=[]* ]]; then
  [[ -f $config ]] || {
    echo "Warning: BRIDGE_CONFIG names $config, which is not a file: the routes stay as they are." >&2
    exit 0
  }
  config=$(cat "$config")
fi
azd env set BRIDGE_CONFIG_BASE64 "$(printf '%s\n' "$config" | base64 | tr -d '\n')"
