check() { three "$1"; }
set -x
check a &
wait
hello World
