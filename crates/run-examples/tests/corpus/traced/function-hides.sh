check() {
  three "$1"
  echo checked
}
set -x
check a
hello World
