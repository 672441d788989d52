set -x
out=$(three a | cat)
hello World
