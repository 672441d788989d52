set -x
[ "$(hello World)" = "Hello, World!" ]
hello again
