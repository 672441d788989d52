set -x
hello World
echo Hello | grep -q Moon
hello again
