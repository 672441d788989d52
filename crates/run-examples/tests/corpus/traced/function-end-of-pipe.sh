check() { three "$1"; }
set -x
echo | check a
hello World
