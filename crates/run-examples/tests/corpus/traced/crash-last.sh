set -x
hello World
crash
