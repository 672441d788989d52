set -x
false || three a
hello World
