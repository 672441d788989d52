set -x
endless | head -n 1
hello World
