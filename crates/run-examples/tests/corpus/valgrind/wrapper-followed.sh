set -x
valgrind -q --trace-children=yes starter one
