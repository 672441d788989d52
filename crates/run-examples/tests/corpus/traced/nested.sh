set -x
sh -x -c "hello World; three a; true"
hello again
