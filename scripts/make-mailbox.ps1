<#
.SYNOPSIS
Creates the shared mailbox that the bridge sends from, and gives the bridge's identity access to this mailbox only.

.DESCRIPTION
Creates whatever is missing: the shared mailbox, Exchange's pointer to the managed identity, a management scope with only
this mailbox, and in that scope the roles "Application Mail.Send" and "Application Mail.ReadWrite" for the identity
(RBAC for Applications). It announces each change before making it, and finally prints what Exchange permits the identity
to do. It can be run again: whatever exists already is left unchanged.

It needs the module ExchangeOnlineManagement (Install-Module ExchangeOnlineManagement), and an account with the Entra role
Exchange Administrator that is a member of the role group Organization Management.

Never consent to Mail.Send or Mail.ReadWrite for the identity in Entra too: such a consent is valid for every mailbox of
the tenant, and Exchange combines both. If `az` is signed in, the script checks for it.

.PARAMETER Mailbox
The address of the mailbox, for BRIDGE_MAIL_FROM.

.PARAMETER ClientId
The client id (application id) of the managed identity.

.PARAMETER PrincipalId
The object id of the managed identity.

.PARAMETER DisplayName
The name for a new mailbox, which readers see as the sender.

.PARAMETER Name
The name of the management scope, and the beginning of the names of the role assignments.

.PARAMETER Cloud
The cloud of the tenant: global, us-gov, us-dod or china.

.PARAMETER DryRun
Prints the changes, but does not make them.

.EXAMPLE
./make-mailbox.ps1 -Mailbox bridge@contoso.com -ClientId 3c1d0d4e-... -PrincipalId 8a1b2c3d-... -DryRun
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidatePattern('^[^\s@''"]+@[^\s@''"]+$')] [string] $Mailbox,
    [Parameter(Mandatory)] [guid] $ClientId,
    [Parameter(Mandatory)] [guid] $PrincipalId,
    [ValidatePattern('^[^''"]+$')] [string] $DisplayName = 'Webhook bridge',
    [ValidatePattern('^[^''"]{1,40}$')] [string] $Name = 'Webhook bridge mailbox',
    [ValidateSet('global', 'us-gov', 'us-dod', 'china')] [string] $Cloud = 'global',
    [switch] $DryRun
)

$ErrorActionPreference = 'Stop'
$changes = 0

function Say([string] $Text) { Write-Host $Text }

# Prints the change and makes it; with -DryRun, only prints it.
function Invoke-Change([string] $What, [scriptblock] $Action) {
    $script:changes++
    if ($DryRun) { Say "would: $What"; return }
    Say "change: $What"
    & $Action | Out-Null
}

# The roles of the identity in Entra that give access to every mailbox; $null if they are not known.
function Get-WideRole {
    $ErrorActionPreference = 'Continue' # az may fail
    $hosts = @{
        'global' = 'graph.microsoft.com'; 'us-gov' = 'graph.microsoft.us'
        'us-dod' = 'dod-graph.microsoft.us'; 'china' = 'microsoftgraph.chinacloudapi.cn'
    }
    if (-not (Get-Command az -ErrorAction SilentlyContinue)) { return $null }
    $graph = "https://$($hosts[$Cloud])"
    $held = az rest --method get --url "$graph/v1.0/servicePrincipals/$PrincipalId/appRoleAssignments" `
        --resource $graph --query 'value[].appRoleId' --output tsv --only-show-errors 2>$null
    if ($LASTEXITCODE -ne 0) { return $null }
    $wide = @{
        'b633e1c5-b582-4048-a93e-9f11b44c7e96' = 'Mail.Send'
        'e2a3a72e-5f79-4c64-b1b1-878b674786c9' = 'Mail.ReadWrite'
    }
    return , @($held | Where-Object { $_ -and $wide.ContainsKey($_) } | ForEach-Object { $wide[$_] })
}

try {
    if (-not (Get-Command Connect-ExchangeOnline -ErrorAction SilentlyContinue)) {
        throw 'The module ExchangeOnlineManagement is missing: Install-Module ExchangeOnlineManagement.'
    }
    if (-not (Get-ConnectionInformation | Where-Object State -eq 'Connected')) {
        $environments = @{
            'global' = 'O365Default'; 'us-gov' = 'O365USGovGCCHigh'; 'us-dod' = 'O365USGovDoD'; 'china' = 'O365China'
        }
        # The Cloud Shell has no browser to sign in with.
        $device = @{}
        if ("$env:AZUREPS_HOST_ENVIRONMENT" -like 'cloud-shell*' -or $env:ACC_CLOUD) { $device = @{ Device = $true } }
        Connect-ExchangeOnline -ExchangeEnvironmentName $environments[$Cloud] -ShowBanner:$false @device
    }
    $connection = Get-ConnectionInformation | Where-Object State -eq 'Connected' | Select-Object -First 1
    Say "Tenant $($connection.TenantId), signed in as $($connection.UserPrincipalName)."

    # With -Identity, Get-Mailbox fails if there is no such mailbox, and Get-ServicePrincipal returns all of them. So both
    # are called without it, and the results are filtered.
    $found = @(Get-Mailbox -Filter "PrimarySmtpAddress -eq '$Mailbox'")
    if (-not $found) {
        Invoke-Change "create the shared mailbox $Mailbox" {
            New-Mailbox -Shared -Name $DisplayName -DisplayName $DisplayName -PrimarySmtpAddress $Mailbox
        }
    }
    elseif ($found[0].RecipientTypeDetails -ne 'SharedMailbox') {
        throw "$Mailbox is a $($found[0].RecipientTypeDetails), not a shared mailbox: choose another address."
    }

    $pointer = @(Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq "$ClientId" })
    if (-not $pointer) {
        Invoke-Change "add the managed identity $ClientId to Exchange" {
            New-ServicePrincipal -AppId "$ClientId" -ObjectId "$PrincipalId" -DisplayName $Name
        }
    }
    elseif ("$($pointer[0].ObjectId)" -ne "$PrincipalId") {
        throw "Exchange knows $ClientId with the object id $($pointer[0].ObjectId), not ${PrincipalId}: check both ids."
    }

    # Exchange has not written out the roles and scopes of a new tenant, and refuses to add one.
    if ((Get-OrganizationConfig).IsDehydrated) {
        Invoke-Change 'enable customization of the organization, which cannot be undone' {
            Enable-OrganizationCustomization
        }
    }

    $filter = "PrimarySmtpAddress -eq '$Mailbox'"
    $scope = @(Get-ManagementScope | Where-Object { $_.Name -eq $Name })
    if (-not $scope) {
        Invoke-Change "create the management scope '$Name': $filter" {
            New-ManagementScope -Name $Name -RecipientRestrictionFilter $filter
        }
    }
    elseif ("$($scope[0].RecipientFilter)" -notlike "*PrimarySmtpAddress -eq '$Mailbox'*") {
        throw "The management scope '$Name' has another filter ($($scope[0].RecipientFilter)): choose another -Name."
    }

    foreach ($role in 'Application Mail.Send', 'Application Mail.ReadWrite') {
        $assignment = "$Name $($role -replace '^Application ')"
        if (-not @(Get-ManagementRoleAssignment -Role $role | Where-Object { $_.Name -eq $assignment })) {
            Invoke-Change "give the identity '$role' in the scope '$Name'" {
                New-ManagementRoleAssignment -Name $assignment -Role $role -App "$PrincipalId" -CustomResourceScope $Name
            }
        }
    }

    $wide = Get-WideRole
    if ($null -eq $wide) {
        Write-Warning ('Not checked: whether the identity also has Mail.Send or Mail.ReadWrite in Entra (az is not ' +
            'signed in). Check in Entra: Enterprise applications, the identity, Permissions.')
    }
    elseif ($wide) {
        Write-Warning ("The identity also has $($wide -join ' and ') in Entra, for EVERY mailbox of the tenant. " +
            'Exchange combines both: revoke it in Entra, or the restriction to this mailbox has no effect.')
    }

    if ($DryRun) { Say "Nothing was changed. Without -DryRun there would be $changes changes."; return }
    Say $(if ($changes) { "Changes: $changes." } else { 'Nothing to change: everything is set up.' })
    $tests = @(Test-ServicePrincipalAuthorization -Identity "$PrincipalId" -Resource $Mailbox)
    $tests | Format-Table RoleName, GrantedPermissions, AllowedResourceScope, ScopeType, InScope | Out-Host
    foreach ($role in 'Application Mail.Send', 'Application Mail.ReadWrite') {
        if (-not ($tests | Where-Object { $_.RoleName -eq $role -and "$($_.InScope)" -eq 'True' })) {
            throw "The role '$role' for $Mailbox is not in effect yet: run this again in a few minutes."
        }
    }
    foreach ($other in $tests | Where-Object { $_.RoleName -like 'Application *' -and $_.AllowedResourceScope -ne $Name }) {
        Write-Warning "The identity has '$($other.RoleName)' in another scope too: $($other.AllowedResourceScope)."
    }
    Say 'It can take up to two hours until this has an effect in Graph. Settings for the app:'
    Write-Output 'BRIDGE_CHANNEL=mail' "BRIDGE_MAIL_FROM=$Mailbox"
}
catch {
    [Console]::Error.WriteLine("Error: $($_.Exception.Message)")
    exit 1
}
