set -u
set -x
hello World
three a || true
hello "$1"
