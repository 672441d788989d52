set -x
valgrind -q clean one
clean two
