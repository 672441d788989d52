set -x
diff <(hello a) <(hello a)
diff <(hello b) <(three b)
true
