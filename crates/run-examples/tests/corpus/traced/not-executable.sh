set -x
install/usr/bin/data
true
