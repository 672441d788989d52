set -x
python3 -c "raise SystemExit(4)"
true
