#!/usr/bin/env bash
# Prints the section of CHANGELOG.md about one version, for the release notes.
#
#   changelog-section.sh <version>
set -euo pipefail
version=${1:?the version is missing: see --help}
if [[ $version == --help ]]; then
  sed -nE '2,/^[^#]/s/^#( |$)//p' "$0"
  exit 0
fi
section=$(awk -v title="## [$version]" '/^## /{ found = index($0, title) == 1; next } found' "$(dirname "$0")/../CHANGELOG.md")
if [[ -z ${section//[[:space:]]/} ]]; then
  echo "Error: CHANGELOG.md has no section \"## [$version]\": add it before you create the tag." >&2
  exit 1
fi
printf '%s\n' "$section"
