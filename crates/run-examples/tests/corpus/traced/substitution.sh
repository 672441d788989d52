set -x
out=$(hello World)
[ "$out" = "Hello, World!" ]
out=$(three a)
hello again
