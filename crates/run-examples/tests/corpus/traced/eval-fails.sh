BIN=$PWD/install/usr/bin
set -x
eval "" "${BIN}/three" one
hello two
