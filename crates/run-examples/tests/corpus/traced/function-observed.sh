check() { three "$1"; }
set -x
if check a; then hello never; fi
check b || echo expected
hello World
