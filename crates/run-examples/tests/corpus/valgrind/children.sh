set -x
valgrind -q --trace-children=yes --leak-check=full --error-exitcode=9 parent leak
true
