<#
.SYNOPSIS
    Run by azd on Windows after it has provisioned.
.DESCRIPTION
    Runs after-provision.sh, which gives the managed identity the permissions that it needs, with the bash of Git for
    Windows. The bash on the path is often that of WSL, which has neither this folder nor `az`. Without Git's bash it prints
    the command to run elsewhere. It never fails: azd goes on and deploys the code.
#>
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Find-Bash {
    if (-not $IsWindows) { return (Get-Command -Name 'bash' -CommandType Application | Select-Object -First 1).Source }
    $git = Get-Command -Name 'git' -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    $folders = @("$env:ProgramFiles\Git", "$env:LOCALAPPDATA\Programs\Git")
    # <folder of Git>/mingw64/libexec/git-core
    if ($git) { $folders = @((& $git.Source --exec-path) -replace '[/\\]\w+[/\\]libexec[/\\]git-core$', '') + $folders }
    return $folders | ForEach-Object { Join-Path -Path $_ -ChildPath 'bin\bash.exe' } |
        Where-Object { Test-Path -Path $_ -PathType Leaf } | Select-Object -First 1
}

try {
    $bash = Find-Bash
    if ($bash) {
        & $bash (Join-Path -Path $PSScriptRoot -ChildPath 'after-provision.sh')
        if ($LASTEXITCODE -ne 0) { Write-Warning -Message "after-provision.sh ended with $LASTEXITCODE." }
    }
    else {
        Write-Warning -Message ('Git for Windows was not found. Nothing is posted until this has been run in a clone of ' +
            "the repository: $env:BRIDGE_NEXT_COMMAND")
    }
}
catch {
    Write-Warning -Message "$($_.Exception.Message) Nothing is posted until this has been run: $env:BRIDGE_NEXT_COMMAND"
}
exit 0
