# SPDX-License-Identifier: Apache-2.0
# Completion of health_exporter for bash; needs nothing but bash. A test compares it with --help.

# Prints the words a flag's value can be; a file is asked for by "FILE".
_health_exporter_values()
{
    case $1 in
    --config.file | --web.config.file | --tls.ca-file | --password-file | --unix-socket)
        echo FILE ;;
    --log.level) echo debug info warn error ;;
    --log.format) echo logfmt json ;;
    --format) echo text json ;;
    --for) echo ready live started ;;
    --shard) echo auto ;;
    esac
}

# Prints the flags of a subcommand ("" for none); "=" at the end: takes a value.
_health_exporter_flags()
{
    local client='--unix-socket= --tls.ca-file= --tls.insecure-skip-verify --user= --password-file='
    case $1 in
    check) echo --config.file= --format= --timeout= --shard= --total-shards= ;;
    wait) echo --for= --timeout= --interval= "$client" ;;
    get) echo --timeout= "$client" ;;
    kinds) ;;
    *)
        echo --config.file= --config.check --config.schema --print-alert-rules \
            --metrics.native-histograms --print-dashboard --web.listen-address= --web.config.file= \
            --web.enable-lifecycle --web.history= --engine.threads= \
            --shutdown.delay= --web.telemetry-path= --log.level= \
            --log.format= --shard= --total-shards= --version
        ;;
    esac
    echo --help
}

# Prints what can stand where no flag does.
_health_exporter_arguments()
{
    case $1:$2 in
    get:*)
        echo /livez /readyz /startupz /health/detailed /metrics /version http:// https:// unix:
        ;;
    wait:*) echo http:// https:// unix: ;;
    kinds:*) echo disk heartbeat http memory postgres redis tcp tls ;;
    *:*=*)
        local name=${2%%=*} scheme
        for scheme in disk: heartbeat: http:// https:// memory: postgresql:// postgres:// \
            redis:// rediss:// redis+unix: tcp:// tcp+unix: tls://; do
            echo "$name=$scheme"
        done
        ;;
    check:*) ;;
    *) echo check wait get kinds ;;
    esac
}

# Completes the value that follows the prefix ("--flag=", or nothing).
_health_exporter_complete_value()
{
    local values=$1 prefix=$2 value=$3
    if [[ $values == FILE ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "$value")
    else
        mapfile -t COMPREPLY < <(compgen -W "$values" -P "$prefix" -- "$value")
    fi
}

_health_exporter()
{
    # bash cuts words at "=" and ":", which belong to ours: so they are cut at spaces here.
    local line=${COMP_LINE:0:COMP_POINT} tokens command='' current previous
    current=${line##*[[:space:]]}
    read -ra tokens <<<"${line%"$current"}"
    previous=${tokens[-1]}
    case ${tokens[1]-} in
    check | wait | get | kinds) command=${tokens[1]} ;;
    esac

    COMPREPLY=()
    if [[ $current == --*=* ]]; then
        _health_exporter_complete_value "$(_health_exporter_values "${current%%=*}")" \
            "${current%%=*}=" "${current#*=}"
    elif [[ " $(_health_exporter_flags "$command" | tr '\n' ' ')" == *" $previous= "* ]]; then
        _health_exporter_complete_value "$(_health_exporter_values "$previous")" '' "$current"
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_health_exporter_flags "$command")" -- "$current")
    elif [[ ${#tokens[@]} -eq 1 || -n $command || $current == *=* ]]; then
        # Subcommands come first or not at all.
        mapfile -t COMPREPLY < <(compgen -W "$(_health_exporter_arguments "$command" "$current")" \
            -- "$current")
    fi

    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    # What bash has cut off stands in the line already.
    local breaks=${COMP_WORDBREAKS//[^:=]/} done=''
    if [[ -n $breaks ]]; then
        done=${current%"${current##*["$breaks"]}"}
    fi
    COMPREPLY=("${COMPREPLY[@]#"$done"}")
}

complete -F _health_exporter health_exporter
