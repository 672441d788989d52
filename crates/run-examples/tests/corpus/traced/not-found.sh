set -x
hello World
hallo World
hello again
