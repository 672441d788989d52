echo 1..2
echo "ok 1 - a"
printf "100%%" >&2
echo "not ok 9 - a joke" >&2
echo "ok 2 - b"
