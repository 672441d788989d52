set -x
hello World
set +x
three a
true
