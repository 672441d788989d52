set -x
hello World
PS4="> "
three a
true
