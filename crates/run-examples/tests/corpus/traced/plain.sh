set -x
hello World
three a
hello again
