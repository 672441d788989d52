set -x
hello World
kill -KILL $$
hello never
