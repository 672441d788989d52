set -x
hello World
three a | tee /dev/null
