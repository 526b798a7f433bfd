<#
.SYNOPSIS
    What `azd provision` runs on Windows when the resources are there.
.DESCRIPTION
    Gives the managed identity what its way of posting needs, by after-provision.sh where there is bash (Git for Windows
    has it); without bash it says which command is to be run, in the Cloud Shell for instance.
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
Write-Warning -Message "Run this in a clone of the repository, in the Cloud Shell for instance: $env:BRIDGE_NEXT_COMMAND"
