set -x
valgrind -q starter one
