#!/usr/bin/env bash
# Prints the section of one version of CHANGELOG.md, for the notes of its release.
#
#   changelog-section.sh <version>
set -euo pipefail
version=${1:?the version is missing: --help says more}
if [[ $version == --help ]]; then
  sed -nE '2,/^[^#]/s/^#( |$)//p' "$0"
  exit 0
fi
section=$(awk -v title="## [$version]" '/^## /{ found = index($0, title) == 1; next } found' "$(dirname "$0")/../CHANGELOG.md")
if [[ -z ${section//[[:space:]]/} ]]; then
  echo "Error: CHANGELOG.md has no section \"## [$version]\": name it so before the tag is made." >&2
  exit 1
fi
printf '%s\n' "$section"
