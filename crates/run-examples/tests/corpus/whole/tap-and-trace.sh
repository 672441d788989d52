set -x
echo "TAP version 14"
echo 1..2
hello World
echo "ok 1 - a"
echo "not ok 2 - b"
