set -ex
hello World
three a || true
three b
hello never
hello "$1" later
