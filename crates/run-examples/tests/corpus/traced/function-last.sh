check() {
  hello a
  three a
}
set -x
check
hello World
