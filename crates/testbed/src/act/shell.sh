#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stands before a shell on act's PATH. act does not wait for the last output of a step that failed, so the step waits.
shell=@shell@
case "$*" in
*/act/workflow/*) ;; # a step's script
*) exec "$shell" "$@" ;;
esac
"$shell" "$@"
status=$?
[ "$status" -eq 0 ] || sleep 0.5
exit "$status"
