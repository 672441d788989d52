check() { three "$1"; }
set -x
check a | cat
hello World
