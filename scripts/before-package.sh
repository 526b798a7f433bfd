#!/usr/bin/env bash
# Run by azd before it packages: builds the package with its libraries in build/azd, which azd deploys as it is.
#
#   before-package.sh
#
# It needs Python 3.11 or newer; with Python 3.13 on Linux the package starts faster.
set -euo pipefail
if [[ ${1:-} == --help ]]; then
  sed -nE '2,/^[^#]/s/^#( |$)//p' "$0"
  exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for python in .venv/bin/python python3.13 python3 python; do
  if "$python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
  python=''
done
if [[ ! $python ]]; then
  echo 'Error: Python 3.11 or newer with pip was not found: install it, or deploy with GitHub Actions.' >&2
  exit 1
fi
mkdir -p build
rm -rf build/azd
"$python" -m tools.package build/azd.zip python3.13
"$python" -m zipfile -e build/azd.zip build/azd
# Without it, azd would leave out the bytecode.
: >build/azd/.funcignore
