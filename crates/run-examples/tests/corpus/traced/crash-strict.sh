set -ex
hello World
crash
hello never
