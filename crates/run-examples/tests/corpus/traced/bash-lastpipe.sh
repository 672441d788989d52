shopt -s lastpipe
set -x
echo a | three a
hello World
