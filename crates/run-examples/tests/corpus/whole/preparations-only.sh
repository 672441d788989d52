set -e
export X=1
exit 0
