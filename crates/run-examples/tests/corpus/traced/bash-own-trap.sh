trap "echo failed" ERR
set -ex
hello World
three a
hello never
