set -x
hello a & one=$!
three b & two=$!
wait "$one"
wait "$two"
hello World
