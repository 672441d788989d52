set -x
bytes
hello World
