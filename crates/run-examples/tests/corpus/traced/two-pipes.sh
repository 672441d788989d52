set -x
hello a | cat
three b | cat
hello c | cat
true
