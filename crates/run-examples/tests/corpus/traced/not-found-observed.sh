set -x
not-there --version || echo without
hello World
