set -euo pipefail
set -x
hello World
out=$(three a | cat)
hello never
