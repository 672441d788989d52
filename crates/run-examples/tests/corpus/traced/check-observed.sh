set -x
hello World
if test 1 = 2; then hello never; fi
test 1 = 2 || true
! test 1 = 2
[ -n "$NOTHING" ] && hello never
hello again
