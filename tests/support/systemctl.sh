#!/bin/bash
# Stands for systemd's own: what it does to services is done here by a loop for each.
set -euo pipefail
units=/etc/systemd/system

unit() { # the file of a service, with its instance put in
    local template="${1%%@*}" instance="${1#*@}"
    if [ "$template" = "$1" ]; then cat "$units/$1.service"; else sed "s/%i/$instance/g" "$units/$template@.service"; fi
}
value() { unit "$1" | sed -n "s/^$2=//p"; }

start() {
    local service=$1 command delay fatal credential
    credential="$(value "$service" LoadCredential)"
    if [ -n "$credential" ]; then
        mkdir -p -m 700 "$units/$service.credentials"
        install -m 400 "${credential#*:}" "$units/$service.credentials/${credential%%:*}"
        export CREDENTIALS_DIRECTORY="$units/$service.credentials"
    fi
    command="$(value "$service" ExecStart)"
    delay="$(value "$service" RestartSec)"
    fatal=" $(value "$service" RestartPreventExitStatus) "
    run_and_again() {
        while [ ! -e "$units/$service.stop" ]; do
            setsid bash -c "echo \$\$ > $units/$service.pid; exec $command" && code=0 || code=$?
            case "$fatal" in *" $code "*) break ;; esac
            [ -e "$units/$service.stop" ] || sleep "$delay"
        done
        echo "$code" > "$units/$service.ended"
    }
    rm -f "$units/$service".{stop,ended,pid}
    run_and_again >> "$units/$service.log" 2>&1 < /dev/null &
    until [ -s "$units/$service.pid" ]; do sleep 0.01; done
    [ "$(value "$service" Type)" = notify ] || return 0
    # It would say so by a socket of systemd. It is ready when it answers.
    until raft-node status ${command#*run} > /dev/null 2>&1 || [ -e "$units/$service.ended" ]; do sleep 0.05; done
}

stop() {
    local service=$1
    touch "$units/$service.stop"
    until [ -e "$units/$service.ended" ]; do
        kill -TERM "$(cat "$units/$service.pid")" 2> /dev/null || true
        for _ in {1..100}; do [ -e "$units/$service.ended" ] && break; sleep 0.1; done
    done
}

verb=$1; shift
services=()
signal=TERM
while [ $# -gt 0 ]; do
    case "$1" in
        --now) ;;
        --signal) signal=$2; shift ;;
        *) services+=("$1") ;;
    esac
    shift
done
for service in "${services[@]+"${services[@]}"}"; do
    case "$verb" in
        enable | start) start "$service" ;;
        stop) stop "$service" ;;
        restart) stop "$service"; start "$service" ;;
        kill) kill "-$signal" "$(cat "$units/$service.pid")" ;;
        is-failed) cat "$units/$service.ended" ;;
        *) echo "systemctl $verb: not known here" >&2; exit 1 ;;
    esac
done
