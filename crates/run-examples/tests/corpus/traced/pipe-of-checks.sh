set -x
hello World
hello World | grep -q Moon
true
