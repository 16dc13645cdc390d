#!/usr/bin/env bash
# Finds a container engine, or installs and starts a private one.
#
#   images/engine.sh up      prints DOCKER_HOST=unix://… of an engine that answers
#   images/engine.sh leave   stops the private engine where `up` under the same $SHUYU_OWNER started it
#   images/engine.sh down    stops the private engine, and only that one
#
# An engine that answers at $DOCKER_HOST or at the default socket is used as it is. Else what is missing is installed from
# the distribution's packages, and a dockerd without a network is started for this user alone. Its state lies in
# $SHUYU_ENGINE (default: ~/.cache/shuyu/engine); its sockets lie under /run, because a socket's path must be short.
#
# With $SHUYU_USERNS=USER only a private engine is used, and its containers' root is none of the host's: their users are those
# that /etc/subuid and /etc/subgid give to USER, who needs at least 262144 of them. Give such an engine a $SHUYU_ENGINE of its
# own, for images made by one kind are not seen by the other. $SHUYU_RUNTIMES adds runtimes, as JSON members: "kata": {"path": "…"}
set -euo pipefail

state=${SHUYU_ENGINE:-${XDG_CACHE_HOME:-$HOME/.cache}/shuyu/engine}
mkdir -p "$state"
chmod "$([ -n "${SHUYU_USERNS:-}" ] && echo 0711 || echo 0700)" "$state" # remapped users pass through
state=$(cd "$state" && pwd -P)
run=/run/shuyu-$(printf %s "$state" | sha256sum | cut -c1-8)
socket=$run/d.sock
userns=${SHUYU_USERNS:-}

say() { printf '  engine: %s\n' "$*" >&2; }

fail() {
  printf '  engine: %s\n' "$*" >&2
  exit 1
}

answers() { # does an engine answer at this address?
  command -v docker >/dev/null && timeout -k 5 30 docker --host "$1" version --format '{{.Server.Version}}' >/dev/null 2>&1
}

ours() { # the ids of the processes that belong to the private engine
  local folder
  for folder in /proc/[0-9]*; do
    case $(basename "$(readlink "$folder/exe" 2>/dev/null)" 2>/dev/null) in
      dockerd | containerd | containerd-shim*) ;;
      *) continue ;;
    esac
    if tr '\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -qF "$run/"; then basename "$folder"; fi
  done
}

install_missing() { # installs those of the packages whose command is missing
  local -a wanted=()
  local pair
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || wanted+=("${pair##*=}")
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "missing: ${wanted[*]}, and no apt-get to install them with"
  say "installing ${wanted[*]}"
  apt-get -qq update >"$state/apt.log" 2>&1 || true
  # RUNLEVEL=1 keeps the packages from starting a daemon of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${wanted[@]}" \
    >"$state/apt.log" 2>&1 || fail "could not install ${wanted[*]}: see $state/apt.log"
}

demand_users() { # a job's user is 200000 and more: the range of 65536 that tools give by default is too small
  local file
  for file in /etc/subuid /etc/subgid; do
    awk -F: -v user="$userns" '$1 == user && $3 >= 262144 { found = 1 } END { exit !found }' "$file" 2>/dev/null ||
      fail "$file gives $userns no 262144 ids: echo $userns:10000000:262144 >>$file"
  done
}

write_settings() {
  local runsc
  local -a runtimes=()
  runsc=$(command -v runsc || true)
  # The ptrace platform needs neither /dev/kvm nor a newer kernel; no job of ours has a network.
  [ -z "$runsc" ] || runtimes+=("\"runsc\": {\"path\": \"$runsc\", \"runtimeArgs\": [\"--platform=ptrace\", \"--network=none\"]}")
  [ -z "${SHUYU_RUNTIMES:-}" ] || runtimes+=("$SHUYU_RUNTIMES")
  (
    IFS=,
    printf '{%s"runtimes": {%s}}\n' "${userns:+\"userns-remap\": \"$userns\", }" "${runtimes[*]}"
  ) >"$state/daemon.json"
}

start() {
  [ -z "$userns" ] || demand_users
  write_settings
  mkdir -p "$run"
  chmod 0711 "$run"
  rm -f "$run/d.pid" "$socket"
  say "starting a private engine in $state"
  setsid dockerd --config-file "$state/daemon.json" --data-root "$state/data" --exec-root "$run/exec" \
    --host "unix://$socket" --pidfile "$run/d.pid" --bridge=none --iptables=false --ip-forward=false \
    >"$state/log" 2>&1 </dev/null 9>&- &
  local tries
  for tries in $(seq 1 120); do
    answers "unix://$socket" && return 0
    kill -0 $! 2>/dev/null || break
    [ $((tries % 20)) -ne 0 ] || say "waiting for it to answer"
    sleep 0.25
  done
  tail -n 5 "$state/log" >&2
  fail "the engine does not answer; its log is $state/log"
}

up() {
  local host
  local -a hosts=("${DOCKER_HOST:-}" unix:///var/run/docker.sock)
  [ -z "$userns${SHUYU_RUNTIMES:-}" ] || hosts=()
  for host in "${hosts[@]}" "unix://$socket"; do
    [ -n "$host" ] && answers "$host" && printf 'DOCKER_HOST=%s\n' "$host" && return 0
  done
  [ "$(id -u)" -eq 0 ] || fail "no engine answers, and only root can start one: sudo images/engine.sh up"
  install_missing dockerd=docker.io docker=docker.io runc=runc mmdebstrap=mmdebstrap
  (install_missing runsc=runsc) || say "runsc is not to be had here: gVisor jobs will be refused"
  stop # what is left of one that died
  release
  start
  printf %s "${SHUYU_OWNER:-nobody}" >"$state/started-by"
  printf 'DOCKER_HOST=unix://%s\n' "$socket"
}

stop() {
  local signal pids tries
  for signal in TERM KILL; do
    for tries in $(seq 1 60); do
      pids=$(ours)
      [ -n "$pids" ] || return 0
      # shellcheck disable=SC2086 # several ids
      [ "$tries" -gt 1 ] || kill -s "$signal" $pids 2>/dev/null || true
      sleep 0.25
    done
  done
}

release() { # one that was killed left its mounts: its data, and the file of a network namespace under $run; deepest first
  local place
  awk -v data="$state/data" -v run="$run/" '$5 == data || index($5, data "/") == 1 || index($5, run) == 1 { print $5 }' \
    /proc/self/mountinfo | sort -r | while read -r place; do umount "$place" 2>/dev/null || umount --lazy "$place"; done
}

down() {
  stop
  release
  rm -rf "$run" || say "could not remove all of $run"
  say "stopped"
}

leave() { # one make started it, and the same make ends it; whoever found it running leaves it so
  [ "$(cat "$state/started-by" 2>/dev/null)" = "${SHUYU_OWNER:-somebody}" ] || return 0
  rm -f "$state/started-by"
  down
}

exec 9>"$state/lock"
flock 9
case ${1:-} in
  up) up ;;
  leave) leave ;;
  down) down ;;
  *) fail "usage: images/engine.sh up|leave|down" ;;
esac
