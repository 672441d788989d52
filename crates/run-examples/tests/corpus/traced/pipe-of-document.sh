set -x
cat <<END | three a
x
END
hello World
