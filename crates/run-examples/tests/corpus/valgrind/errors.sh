set -x
valgrind -q --leak-check=full --error-exitcode=9 leak one
valgrind -q clean two
