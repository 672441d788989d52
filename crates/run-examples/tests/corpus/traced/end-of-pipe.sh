set -x
echo | three a
hello World
