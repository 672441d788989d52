set -x
out=$(three a) || echo expected
hello World
