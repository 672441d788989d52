set -x
case $1 in
hello) hello World ;;
*) three a ;;
esac
