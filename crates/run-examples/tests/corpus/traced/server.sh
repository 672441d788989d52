set -x
server &
pid=$!
until [ -e "$TMPDIR/up" ]; do sleep 0.01; done
hello World
kill $pid
wait $pid
true
