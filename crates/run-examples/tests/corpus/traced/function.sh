check() { "$@"; }
set -x
check hello World
check crash
true
