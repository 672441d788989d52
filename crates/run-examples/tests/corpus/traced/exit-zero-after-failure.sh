set -x
three a
exit 0
