three a
set -x
hello World
