set -x
valgrind -q crasher one
true
