set -x
if [ "$2" = 1 ]; then run=valgrind; fi
$run clean one
$run clean two
