set -x
hello World
sleep 60
hello never
