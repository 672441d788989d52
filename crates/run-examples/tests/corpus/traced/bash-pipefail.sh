set -o pipefail
set -x
three a | cat
hello b | cat || true
three c | cat || echo expected
out=$(hello d | cat)
