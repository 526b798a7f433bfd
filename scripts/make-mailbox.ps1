<#
.SYNOPSIS
Makes the shared mailbox that the bridge sends from, and lets its managed identity into this mailbox alone.

.DESCRIPTION
Makes what is missing of: the shared mailbox, Exchange's pointer to the managed identity, a management scope with this one
mailbox in it, and in that scope the roles "Application Mail.Send" and "Application Mail.ReadWrite" for the identity
(RBAC for Applications). It looks first, says what it changes before it does, and at the end lets Exchange say what the
identity may do. It can be run again: what is there already is left alone.

It takes the module ExchangeOnlineManagement (Install-Module ExchangeOnlineManagement) and an account with the Entra role
Exchange Administrator that is in the role group Organization Management.

Never consent to Mail.Send or Mail.ReadWrite for the identity in Entra as well: there they are good for every mailbox of
the tenant, and Exchange adds the two up. Where `az` is signed in, the script looks for that.

.PARAMETER Mailbox
Address of the mailbox: BRIDGE_MAIL_FROM.

.PARAMETER ClientId
Client id (application id) of the managed identity.

.PARAMETER PrincipalId
Object id of the managed identity.

.PARAMETER DisplayName
Name of a new mailbox, which readers see as the sender.

.PARAMETER Name
Name of the management scope, and the beginning of the names of the role assignments.

.PARAMETER Cloud
Cloud of the tenant: global, us-gov, us-dod or china.

.PARAMETER DryRun
Looks, and says what would be changed.

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

# Says what is changed, and changes it; with -DryRun it is only said.
function Invoke-Change([string] $What, [scriptblock] $Action) {
    $script:changes++
    if ($DryRun) { Say "would: $What"; return }
    Say "change: $What"
    & $Action | Out-Null
}

# The roles of Microsoft Graph that open every mailbox, as the identity holds them in Entra; $null: not known.
function Get-WideRole {
    $ErrorActionPreference = 'Continue' # that az is refused is an answer too
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
        Connect-ExchangeOnline -ExchangeEnvironmentName $environments[$Cloud] -ShowBanner:$false
    }
    $connection = Get-ConnectionInformation | Where-Object State -eq 'Connected' | Select-Object -First 1
    Say "Tenant $($connection.TenantId), as $($connection.UserPrincipalName)."

    # Get-Mailbox -Identity fails where there is none, and Get-ServicePrincipal -Identity then gives all of them: so both
    # are asked for more, and the answer is looked through.
    $found = @(Get-Mailbox -Filter "PrimarySmtpAddress -eq '$Mailbox'")
    if (-not $found) {
        Invoke-Change "create the shared mailbox $Mailbox" {
            New-Mailbox -Shared -Name $DisplayName -DisplayName $DisplayName -PrimarySmtpAddress $Mailbox
        }
    }
    elseif ($found[0].RecipientTypeDetails -ne 'SharedMailbox') {
        throw "$Mailbox is no shared mailbox but $($found[0].RecipientTypeDetails): choose an address of the bridge's own."
    }

    $pointer = @(Get-ServicePrincipal | Where-Object { "$($_.AppId)" -eq "$ClientId" })
    if (-not $pointer) {
        Invoke-Change "make the managed identity $ClientId known to Exchange" {
            New-ServicePrincipal -AppId "$ClientId" -ObjectId "$PrincipalId" -DisplayName $Name
        }
    }
    elseif ("$($pointer[0].ObjectId)" -ne "$PrincipalId") {
        throw "Exchange knows $ClientId with the object id $($pointer[0].ObjectId), not ${PrincipalId}: check both ids."
    }

    $filter = "PrimarySmtpAddress -eq '$Mailbox'"
    $scope = @(Get-ManagementScope | Where-Object { $_.Name -eq $Name })
    if (-not $scope) {
        Invoke-Change "create the management scope '$Name': $filter" {
            New-ManagementScope -Name $Name -RecipientRestrictionFilter $filter
        }
    }
    elseif ("$($scope[0].RecipientFilter)" -notlike "*PrimarySmtpAddress -eq '$Mailbox'*") {
        throw "The management scope '$Name' is of something else ($($scope[0].RecipientFilter)): choose another -Name."
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
        Write-Warning ('Not looked at: whether the identity holds Mail.Send or Mail.ReadWrite in Entra too (az is not ' +
            'signed in). Look at Entra, Enterprise applications, the identity, Permissions.')
    }
    elseif ($wide) {
        Write-Warning ("The identity also holds $($wide -join ' and ') in Entra, for EVERY mailbox of the tenant. The two " +
            'add up: take it away there, or the confinement to this mailbox is worth nothing.')
    }

    if ($DryRun) { Say "Nothing was changed; without -DryRun there would be $changes changes."; return }
    Say $(if ($changes) { "Changes: $changes." } else { 'Nothing to change: all of it is there.' })
    $tests = @(Test-ServicePrincipalAuthorization -Identity "$PrincipalId" -Resource $Mailbox)
    $tests | Format-Table RoleName, GrantedPermissions, AllowedResourceScope, ScopeType, InScope | Out-Host
    foreach ($role in 'Application Mail.Send', 'Application Mail.ReadWrite') {
        if (-not ($tests | Where-Object { $_.RoleName -eq $role -and "$($_.InScope)" -eq 'True' })) {
            throw "Exchange does not give the identity '$role' for $Mailbox yet: run this again in some minutes."
        }
    }
    foreach ($other in $tests | Where-Object { $_.RoleName -like 'Application *' -and $_.AllowedResourceScope -ne $Name }) {
        Write-Warning "The identity has '$($other.RoleName)' in another scope too: $($other.AllowedResourceScope)."
    }
    Say 'It can take up to two hours until Graph heeds this. The settings of the app:'
    Write-Output 'BRIDGE_CHANNEL=mail' "BRIDGE_MAIL_FROM=$Mailbox"
}
catch {
    [Console]::Error.WriteLine("Error: $($_.Exception.Message)")
    exit 1
}
