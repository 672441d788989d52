set -x
( set -e; three a; hello never )
hello World
