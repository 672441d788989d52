set -x
echo | three a || echo expected
hello World
