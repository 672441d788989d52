set -x
hello World
exec 2>/dev/null
three a
true
