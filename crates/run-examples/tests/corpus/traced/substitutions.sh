set -x
out="$(three a)$(hello b)"
hello World
