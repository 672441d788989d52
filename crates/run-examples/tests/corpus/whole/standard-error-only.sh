echo "1..1" >&2
echo "not ok 1 - a" >&2
