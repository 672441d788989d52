set -x
((i = 0))
hello World
read -r -d "" text <<END
x
END
hello again
