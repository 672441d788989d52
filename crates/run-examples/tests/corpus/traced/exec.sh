set -x
hello World
exec three a
