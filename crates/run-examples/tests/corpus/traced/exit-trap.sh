dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
set -x
hello World
three a | cat
