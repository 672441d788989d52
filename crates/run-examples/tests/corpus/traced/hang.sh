set -x
hello World
hang "$1"
hello never
