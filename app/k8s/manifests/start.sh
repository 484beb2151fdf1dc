#!/usr/bin/env bash
# The first process of every task's container:  bash /taas/run/start.sh ARG…  →  bash run.sh ARG…
#
# It unpacks the code, sets the task's variables, runs run.sh, carries its output, and passes SIGTERM on.
# Read here:  /taas/run/env.sh        exports of the role's variables, made from JOB_COMPLETION_INDEX and TAAS_ATTEMPT
#             /taas/run/code.NNN      the parts of a tar.gz in order, unless TAAS_BUNDLE names one file that has it all
#                                 (without an entry for its root: a volume's own directory is not to be changed)
#             TAAS_FAILURE_COUNT, TAAS_IGNORED_FAILURE_COUNT      how often this task was tried before (empty: never)
# Written:    /taas/code, $HOME, /tmp, and the termination message that app/domain/termination.py describes.
# Ends with:  the exit code of run.sh, 128+n when signal n ended it.
#
# Stopping: SIGTERM goes to every process. run.sh, and after it every other process, is waited for without a limit:
# the limit is the pod's grace period, after which kubelet kills. Without a SIGTERM, processes that run.sh has left
# behind get TAAS_LINGER seconds (5) to end, then SIGTERM and twice that, then SIGKILL: they cannot hold the task up.
# `train | tee log` loses its tee to the SIGTERM, and a checkpoint that prints fails with it; in run.sh write
# `train | (trap '' TERM; tee log)`.
#
# bash 4.2, tar, gzip and coreutils are all it needs. PID 1 ignores what it does not trap, so the trap comes first.
# No command is substituted here: while bash 5.2 parses one it cannot run a trap, and the SIGTERM that came is lost.
stopping= carrier= pipes=
trap 'stopping=1 interrupted=1; kill -s TERM -- -1 2>/dev/null' TERM
set -m -o pipefail

run_dir=${TAAS_RUN_DIR:-/taas/run}
code_dir=${TAAS_CODE_DIR:-/taas/code}
message_file=${TAAS_TERMINATION_LOG:-/dev/termination-log}
linger=${TAAS_LINGER:-5}

main() {
    [[ $$ == 1 ]] || { echo 'taas: start.sh only runs as the first process of a container' >&2; exit 1; }
    tell '{"v":1,"phase":"setup"}'
    phase=setup
    open_output || { [[ ! $stopping ]] || finish 143; echo 'taas: /tmp must be writable' >&2; finish 1; }
    prepare_environment || fail 1 "the task's variables could not be set"
    enter unpack
    unpack & await $! || fail $? 'the code could not be unpacked'
    [[ -f $code_dir/run.sh ]] || fail 127 'there is no run.sh at the root of the code'
    enter run
    run "$@" & job=$!
    [[ ! $stopping ]] || kill -s TERM -- -1  # one that came just before the start has missed run.sh
    await "$job"
    finish $?
}

# The output: everything written to descriptor 3 goes to the container's stdout and into the digest.
open_output() {
    pipes=/tmp/.taas-$RANDOM$RANDOM
    mkdir -m 700 "$pipes" && mkfifo "$pipes"/{out,copy,sum,never} || return
    exec 6<>"$pipes/never"
    exec 3<>"$pipes/out" 4<"$pipes/out" 3>"$pipes/out"  # with a reader and a writer at hand no opening blocks
    carry <&4 2>/dev/null 3>&- 4<&- 6>&- & carrier=$!
    exec 4<&- 2>/dev/null  # what bash says about ended jobs is no output of the task
}

carry() {
    trap '' TERM INT HUP QUIT
    tee "$pipes/copy" <&0 &
    sha256sum <"$pipes/sum" >"$pipes/sha256" &
    tr -d '\r' <"$pipes/copy" | end_last_line | tee "$pipes/sum" | wc -lc >"$pipes/count"
    wait
}

end_last_line() {
    local newlines bytes
    exec 5>&1
    tee /dev/fd/5 | tail -c 1 | wc -lc | {
        read -r newlines bytes  # of its last byte: 0 0, 0 1 or 1 1
        [[ $newlines == "$bytes" ]] || echo
    }
}

prepare_environment() {
    export JOB_COMPLETION_INDEX=${JOB_COMPLETION_INDEX:-0}
    export TAAS_ATTEMPT=$((${TAAS_FAILURE_COUNT:-0} + ${TAAS_IGNORED_FAILURE_COUNT:-0} + 1))
    export HOME=${HOME:-/} USER=${USER:-taas} LOGNAME=${LOGNAME:-taas}
    mkdir -p "$HOME" && [[ -w $HOME ]] || { HOME=/tmp/home && mkdir -p "$HOME"; } || return
    bash -ec 'source "$0"' "$run_dir/env.sh" >&3 2>&1 3>&- 6>&-
}

unpack() {
    exec </dev/null >&3 2>&1 3>&- 6>&-
    if [[ $TAAS_BUNDLE ]]; then cat "$TAAS_BUNDLE"; else cat "$run_dir"/code.[0-9]*; fi |
        gzip -dc | tar -xf - -C "$code_dir"
}

run() {
    exec </dev/null >&3 2>&1 3>&- 6>&-
    source "$run_dir/env.sh"
    unset TAAS_FAILURE_COUNT TAAS_IGNORED_FAILURE_COUNT TAAS_BUNDLE TAAS_RUN_DIR TAAS_CODE_DIR TAAS_TERMINATION_LOG TAAS_LINGER
    cd "$code_dir" && exec bash run.sh "$@"
}

# The exit code of process $1. A SIGTERM that comes while bash's `wait` takes in a process loses its exit code, or
# blocks for ever: so `wait` is only asked about what has been taken in already.
await() {
    local code
    while kill -0 "$1"; do pause; done
    while :; do
        interrupted=
        wait "$1"
        code=$?
        [[ $interrupted ]] || return "$code"
    done
}

# A moment, in which a SIGTERM is seen to at once.
pause() { read -rt 0.2 -u 6 || :; }

# Never returns: waits for what is left, closes the output, leaves the message, exits with code $1.
finish() {
    local lines bytes sum report="\"exit\":$1,\"phase\":\"$phase\""
    exec 3>&-
    clear_leftovers && await_carrier &&
        read -r lines bytes <"$pipes/count" && read -r sum _ <"$pipes/sha256" &&
        report+=",\"lines\":$lines,\"bytes\":$bytes,\"sha256\":\"$sum\""
    tell "{\"v\":1,$report}"
    [[ ! $pipes ]] || rm -rf "$pipes"
    exit "$1"
}

clear_leftovers() {
    [[ $carrier ]] || return
    await_others "$linger" && return
    kill -s TERM -- -1
    await_others $((2 * linger)) && return
    for pid in "${others[@]}"; do kill -s KILL "$pid"; done
    await_others "$linger"
}

# Until no other process is left, for $1 seconds (and up to one more), or for ever when the task is being stopped.
await_others() {
    local end=$((SECONDS + $1 + 1))
    while find_others; do
        [[ $stopping ]] || ((SECONDS < end)) || return
        pause
    done
}

# Sets `others` to the processes that are neither this one nor carry the output; false when there are none.
find_others() {
    local file stat field pid
    others=()
    for file in /proc/[0-9]*/stat; do
        stat=
        IFS= read -rd '' stat <"$file"
        field=(${stat##*) })  # state, parent, group …; the name before them may hold anything
        pid=${file//[!0-9]/}
        [[ ! $stat || $pid == 1 || ${field[0]} == [ZX] || ${field[2]} == "$carrier" ]] || others+=("$pid")
    done
    ((${#others[@]}))
}

# The output reaches the container's stdout only as fast as that is read.
await_carrier() {
    local end=$((SECONDS + 30))
    while kill -0 "$carrier"; do
        ((SECONDS < end)) || return
        pause
    done
}

enter() {
    [[ ! $stopping ]] || finish 143
    phase=$1
    tell "{\"v\":1,\"phase\":\"$1\"}"
}

fail() {
    [[ ! $stopping ]] || finish 143
    echo "taas: $2" >&3
    finish "$1"
}

tell() { printf '%s\n' "$1" >"$message_file"; }

main "$@"
