set -x
"$(command -v valgrind)" -q --leak-check=full clean one
