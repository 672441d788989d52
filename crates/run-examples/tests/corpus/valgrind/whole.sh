valgrind -q clean one
