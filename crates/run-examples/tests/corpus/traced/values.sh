set -x
i=0
hello World
: $((i += 0))
hello again
