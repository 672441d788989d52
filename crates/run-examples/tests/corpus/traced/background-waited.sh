set -x
three a &
wait $!
hello World
