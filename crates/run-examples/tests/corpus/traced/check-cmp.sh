echo a >"$TMPDIR/a"
echo b >"$TMPDIR/b"
set -x
hello World
cmp "$TMPDIR/a" "$TMPDIR/b"
true
