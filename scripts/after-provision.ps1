<#
.SYNOPSIS
    Run by `azd provision` on Windows after the resources have been created.
.DESCRIPTION
    Runs after-provision.sh, which gives the managed identity the permissions that it needs, if there is bash (Git for
    Windows has it). Without bash it prints the command to run elsewhere, for instance in the Cloud Shell.
#>
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$bash = Get-Command -Name 'bash' -CommandType Application -ErrorAction SilentlyContinue
if ($bash) {
    & $bash.Source (Join-Path -Path $PSScriptRoot -ChildPath 'after-provision.sh')
    exit $LASTEXITCODE
}
Write-Warning -Message "Run this in a clone of the repository, for instance in the Cloud Shell: $env:BRIDGE_NEXT_COMMAND"
