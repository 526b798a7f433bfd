# Completion of webhook-bridge, and of python -m bridge, for PowerShell. Put it into $PROFILE:
#   webhook-bridge completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName webhook-bridge, python, python3, py -ScriptBlock {
    param($word, $line, $position)
    $words = @($line.CommandElements | Where-Object { $_.Extent.StartOffset -lt $position } | ForEach-Object { "$_".Trim('"', "'") })
    if (-not $word) { $words += '' }
    $first = 1
    if ((Split-Path -Leaf $words[0]) -notlike 'webhook-bridge*') {
        $at = [array]::IndexOf($words, '-m')
        # Any other use of Python completes files, as before.
        if ($at -lt 1 -or $words[$at + 1] -ne 'bridge') { return }
        $first = $at + 2
    }
    if ($words.Count -le $first) { return }
    $before = if ($first -gt 1) { $words[1..($first - 1)] } else { @() }
    $env:_WEBHOOK_BRIDGE_COMPLETE = (@($words[$first..($words.Count - 1)]) + '.') -join "`n"
    try { $lines = @(& $words[0] @before 2>$null) } finally { Remove-Item Env:_WEBHOOK_BRIDGE_COMPLETE }
    foreach ($found in $lines) {
        $kind, $value, $help = $found -split "`t", 3
        if ($kind -ne 'plain') { continue }
        $tip = if ($help) { $help } else { $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $tip)
    }
}
