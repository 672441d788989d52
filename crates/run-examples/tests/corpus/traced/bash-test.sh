set -x
hello World
[[ a = b ]]
hello again
