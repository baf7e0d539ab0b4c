#!/bin/bash
# sample_test.sh SOURCE_DIR BUILD_DIR COMPILER: installs the reader, builds samples/reader with it out of
# the reach of the sources, and compares what it counts with what grep counts.
set -euo pipefail
source=$1 build=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" --component reader >"$work/log"
cp -r "$source/samples/reader" "$work/reader"
{
  cmake -S "$work/reader" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler"
  cmake --build "$work/build"
} >>"$work/log" 2>&1 || {
  tail -n 40 "$work/log"
  exit 1
}
grep -rlF --include=*.cmake --include=*.h "$source" "$work/prefix" && { echo "what is installed names where it was built"; exit 1; }

"$work/build/refused" "$source/samples/night.tape" >"$work/told"
counted=$(awk '{ all += $1 } END { print all + 0 }' "$work/told")
expected=$("$build/smtptape" export "$source/samples/night.tape" | grep -cE '"Read":"[45]')
cat "$work/told"
[[ $counted -eq $expected && $expected -gt 0 ]] || {
  echo "it counted $counted, and there are $expected"
  exit 1
}
