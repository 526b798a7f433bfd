# Completion of webhook-bridge, and of python -m bridge, for zsh. Put it into ~/.zshrc:
#   source <(webhook-bridge completion zsh)

_webhook_bridge() {
    local kind value help first=1
    local -a found
    if [[ ${words[1]:t} == python* ]]; then
        # Any other use of Python is completed as before.
        if [[ ${words[2]} != -m || ${words[3]} != bridge ]]; then
            if (( $+functions[_python] )) || autoload +X -Uz _python 2>/dev/null; then _python "$@"; else _default; fi
            return
        fi
        first=3
    fi
    (( CURRENT > first )) || return 1
    while IFS=$'\t' read -r kind value help; do
        if [[ $kind == plain ]]; then
            found+=("${value//:/\\:}${help:+:$help}")
        else
            _files
        fi
    done < <(_WEBHOOK_BRIDGE_COMPLETE="${(pj:\n:)words[first+1,CURRENT]}"$'\n.' "${(@Q)words[1,first]}" 2>/dev/null)
    (( $#found )) && _describe -V 'webhook-bridge' found
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _webhook_bridge webhook-bridge python python3
