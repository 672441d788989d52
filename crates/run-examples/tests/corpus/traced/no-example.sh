set -x
true
echo hi
