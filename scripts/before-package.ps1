<#
.SYNOPSIS
    Run by azd on Windows before it packages: builds the package with its libraries in build/azd, which azd deploys as it is.
.DESCRIPTION
    It needs Python 3.11 or newer.
#>
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Set-Location -Path (Split-Path -Path $PSScriptRoot -Parent)
$python = $null
foreach ($candidate in '.venv/Scripts/python.exe', '.venv/bin/python', 'python', 'python3', 'py') {
    $found = Get-Command -Name $candidate -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $found) { continue }
    # The launcher in the Windows Store is named python, too, and runs nothing.
    & $found.Source -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>$null
    if ($LASTEXITCODE -eq 0) { $python = $found.Source; break }
}
if (-not $python) {
    [Console]::Error.WriteLine('Error: Python 3.11 or newer with pip was not found: install it, or deploy with GitHub Actions.')
    exit 1
}
New-Item -Path 'build' -ItemType Directory -Force | Out-Null
if (Test-Path -Path 'build/azd') { Remove-Item -Path 'build/azd' -Recurse -Force }
& $python -m tools.package build/azd.zip
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
& $python -m zipfile -e build/azd.zip build/azd
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
# Without it, azd would leave out the bytecode.
New-Item -Path 'build/azd/.funcignore' -ItemType File -Force | Out-Null
