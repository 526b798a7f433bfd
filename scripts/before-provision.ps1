<#
.SYNOPSIS
    Run by azd on Windows before it provisions: saves the routes in a form that any text survives.
.DESCRIPTION
    It reads BRIDGE_CONFIG of the azd environment: the path of a TOML file, or the TOML text itself. Without it, it reads
    config.toml if there is one. azd puts values into JSON as they are, so the text is saved as base64, in
    BRIDGE_CONFIG_BASE64.
#>
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$config = $env:BRIDGE_CONFIG
if (-not $config -and (Test-Path -Path 'config.toml' -PathType Leaf)) { $config = 'config.toml' }
if (-not $config) { exit 0 }
if ($config -notmatch '[\n=\[]') {
    if (-not (Test-Path -Path $config -PathType Leaf)) {
        Write-Warning -Message "BRIDGE_CONFIG names $config, which is not a file: the routes stay as they are."
        exit 0
    }
    $config = Get-Content -Path $config -Raw -Encoding utf8
}
$bytes = [System.Text.Encoding]::UTF8.GetBytes($config)
& azd env set BRIDGE_CONFIG_BASE64 ([System.Convert]::ToBase64String($bytes))
exit $LASTEXITCODE
