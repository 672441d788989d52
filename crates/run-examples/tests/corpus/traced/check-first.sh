set -x
test 1 = 2
hello World
