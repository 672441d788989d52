set -x
hello World
exit 4
