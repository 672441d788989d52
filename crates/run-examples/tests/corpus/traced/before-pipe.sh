set -x
crash | cat
hello World
