set -e
WRAPPER=
BIN=$PWD/install/usr/bin
set -x
eval "${WRAPPER}" "${BIN}/hello" one
eval "${WRAPPER}" "${BIN}/hello" \
	two
set +x

export PLUGIN=noop
printf "\n%s\n" "with $PLUGIN"
set -x
eval "${WRAPPER}" "${BIN}/hello three"
set +x
