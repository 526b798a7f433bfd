# Completion of webhook-bridge, and of python -m bridge, for bash. Put it into ~/.bashrc:
#   source <(webhook-bridge completion bash)

_webhook_bridge() {
    local kind value words first=1
    COMPREPLY=()
    if [[ ${COMP_WORDS[0]##*/} == python* ]]; then
        # Any other use of Python completes files, as before.
        [[ ${COMP_WORDS[1]} == -m && ${COMP_WORDS[2]} == bridge ]] || return 0
        first=3
    fi
    ((COMP_CWORD >= first)) || return 0
    words=$(IFS=$'\n' && printf '%s\n.' "${COMP_WORDS[*]:first:COMP_CWORD-first+1}")
    while IFS=$'\t' read -r kind value _; do
        [[ $kind == plain ]] && COMPREPLY+=("$value")
    done < <(_WEBHOOK_BRIDGE_COMPLETE="$words" "${COMP_WORDS[@]:0:first}" 2>/dev/null)
}

complete -o bashdefault -o default -F _webhook_bridge webhook-bridge python python3
