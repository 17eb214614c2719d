#!/usr/bin/env bash
# Builds everything twice, in two directories, and compares the jars byte by byte.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d "${TMPDIR:-/tmp}/sextant-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
mvn=${MVN:-$root/mvnw}
for copy in first second; do
  mkdir "$work/$copy"
  (cd "$root" && git ls-files -z | tar --null -T - -cf -) | tar -xf - -C "$work/$copy"
done
for copy in first second; do
  (cd "$work/$copy" && "$mvn" -B -q -ntp -DskipTests -Dformat.skip=true "$@" package)
done
cd "$work/first"
differ=0
count=0
while IFS= read -r jar; do
  count=$((count + 1))
  if ! cmp -s "$jar" "$work/second/$jar"; then
    echo "differs: $jar" >&2
    differ=1
  fi
done < <(find . -path '*/target/*.jar' -name 'sextant-*.jar' -not -path '*/lib/*' -not -path '*/check/*' | sort)
[ "$differ" = 0 ] && echo "reproducible: $count jars, each the same twice"
exit "$differ"
