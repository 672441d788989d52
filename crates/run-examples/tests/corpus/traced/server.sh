set -x
server &
pid=$!
hello World
kill $pid
wait $pid
true
