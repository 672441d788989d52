set -x
if three a; then hello never; else hello World; fi
! three b
while three c; do :; done
hello again && hello "and again"
