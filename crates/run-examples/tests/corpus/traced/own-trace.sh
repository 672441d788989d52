PS4="> "
set -x
hello World
three a
