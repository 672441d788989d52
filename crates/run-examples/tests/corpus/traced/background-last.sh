set -x
hello World
three a &
sleep 0.1
