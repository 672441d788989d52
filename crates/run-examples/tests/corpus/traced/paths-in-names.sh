set -x
hello "$PWD/install/usr/lib/x86_64-linux-gnu/libhello.so"
env X=1 install/usr/bin/hello "$TMPDIR"
