set -x
(cd /; hello World)
(three a)
hello again
