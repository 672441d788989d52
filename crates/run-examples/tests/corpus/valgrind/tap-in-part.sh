echo 1..3
valgrind -q clean one && echo "ok 1 - one"
clean two && echo "ok 2 - two"
echo "ok 3 - three # SKIP no gpu"
