#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program, with all that it starts, for as long as somebody holds our standard input open.
# Arguments: a marker, seconds of grace, what to remove in the end (a path a line), then the program with its arguments.
marker=$1
grace=$2
scratch=$3
shift 3
exec 3<&0

# Programs may have made themselves a session, as act does for each step: the marker in their environment tells them.
ours() {
  grep -lsaF "$marker" /proc/[0-9]*/environ | cut -d / -f 3
}

sweep() {
  # More than once: what is ended may just have started another.
  for _ in 1 2 3 4 5; do
    left=$(ours)
    [ -n "$left" ] || return 0
    # shellcheck disable=SC2086 # numbers
    kill -KILL $left 2>/dev/null
  done
}

# shellcheck disable=SC2329 # the trap calls it
end() {
  trap '' HUP INT TERM
  kill -TERM 0
  tenths=$((grace * 10))
  while [ "$tenths" -gt 0 ] && [ -n "$(ours)" ]; do
    sleep 0.1
    tenths=$((tenths - 1))
  done
  sweep
  set -f
  IFS='
'
  # shellcheck disable=SC2086 # a path a line
  rm -rf -- $scratch
  kill -KILL 0
}

trap end HUP INT TERM
(
  trap '' HUP INT TERM
  cat <&3
  kill -TERM $$
) >/dev/null 2>&1 &
watcher=$!

# The markers of those around us stay: what they end includes what we started.
TESTBED_MARKER="${TESTBED_MARKER:+$TESTBED_MARKER }$marker" "$@" </dev/null 3<&- &
wait $!
status=$?
kill -KILL "$watcher"
sweep
exit "$status"
