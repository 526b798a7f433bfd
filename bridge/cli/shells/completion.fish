# Completion of webhook-bridge, and of python -m bridge, for fish. Put it into ~/.config/fish/config.fish:
#   webhook-bridge completion fish | source

function __webhook_bridge_is_module
    set -l words (commandline -opc)
    test (count $words) -ge 3; and test "$words[2]" = -m; and test "$words[3]" = bridge
end

function __webhook_bridge_complete
    set -l words (commandline -opc)
    set -l first 1
    __webhook_bridge_is_module; and set first 3
    set -l asked
    test (count $words) -gt $first; and set asked $words[(math $first + 1)..]
    set -a asked (commandline -ct)
    set -lx _WEBHOOK_BRIDGE_COMPLETE (string join \n -- $asked . | string collect)
    $words[1..$first] 2>/dev/null | while read -l --delimiter \t kind value help
        if test "$kind" = plain
            printf '%s\t%s\n' $value $help
        else
            __fish_complete_path (commandline -ct)
        end
    end
end

complete --command webhook-bridge --no-files --arguments '(__webhook_bridge_complete)'
for python in python python3
    complete --command $python --condition __webhook_bridge_is_module --no-files --arguments '(__webhook_bridge_complete)'
end
