set -x
for n in 1 2 3; do
  hello $n
done
for n in 1 2; do three $n; done
