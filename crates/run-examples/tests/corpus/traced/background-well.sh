set -x
hello a &
wait $!
hello World
