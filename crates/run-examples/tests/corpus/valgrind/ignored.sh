set -x
clean one
clean two
