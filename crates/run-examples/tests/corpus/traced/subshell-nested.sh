set -x
( (three a); true )
hello World
