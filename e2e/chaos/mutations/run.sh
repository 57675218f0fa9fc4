#!/bin/sh
# Breaks each promise as the patches here say, in a copy of the tree, and demands that the family which
# should notice does: run.sh [name...]. A patch that does not apply, or does not build, fails as well.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
(cd "$root" && tar -cf - --exclude=./.git --exclude=./.tools --exclude=./.venv --exclude=./build --exclude=./bin .) | tar -xf - -C "$copy"
cd "$copy" || exit 1
failed=0
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.patch)
for name in "$@"; do
	name=$(basename "$name" .patch)
	patch=$here/$name.patch
	promise=$(sed -n 's/^Promise: //p' "$patch")
	family=$(sed -n 's/^Family: //p' "$patch")
	if ! patch -s -p1 --no-backup-if-mismatch <"$patch" >log 2>&1; then
		echo "mutation $name: the patch does not apply any more: bring it up to date"
		exit 1 # the copy is half changed
	fi
	flags=
	[ "$family" != TestChaosHostile ] || flags='-rapid.shrinktime=0s -rapid.nofailfile'
	if ! go vet ./e2e/sim >log 2>&1; then
		echo "mutation $name: it does not build: $(tail -1 log)"
		failed=1
	elif go test ./e2e/sim -run "^$family\$" -count=1 $flags >log 2>&1; then
		echo "mutation $name: $promise is broken, and $family does not see it"
		failed=1
	else
		said=$({ grep -m1 -E "^ +$promise: " log || grep -m1 -E '^ +P[0-9]+: |_test\.go:[0-9]+: [A-Za-z]' log; } | sed 's/^ *//' | cut -c1-120)
		echo "mutation $name: $promise caught by $family: $said"
	fi
	patch -s -R -p1 --no-backup-if-mismatch <"$patch"
done
exit $failed
