set -x
hello World
test 1 = 2
hello again
