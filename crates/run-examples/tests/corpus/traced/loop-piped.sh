set -x
for n in 1 2; do hello $n; done | cat
true
