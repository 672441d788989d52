set -x
hello a | cat
three a |
  cat
hello World
