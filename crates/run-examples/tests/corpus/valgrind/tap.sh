echo 1..2
valgrind -q clean one && echo "ok 1 - one"
valgrind -q clean two && echo "ok 2 - two"
