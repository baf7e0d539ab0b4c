#!/bin/bash
# packaging/make_package.sh BUILD TO: the Debian package of a build that is done, into the directory
# TO; prints its name.  The same commit gives the same bytes: times are those of the commit, or of
# SOURCE_DATE_EPOCH.
set -euo pipefail
build=$(readlink -f "$1") to=$(readlink -m "$2")
cd "$(dirname "$(readlink -f "$0")")/.."

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
umask 022
rm -rf "$to"
mkdir -p "$to"
{
  cmake --build "$build" --target package_files
  cpack -G DEB --config "$build/CPackConfig.cmake" -B "$to"
} </dev/null >"$to/log" 2>&1 || {
  tail -n 40 "$to/log" >&2
  exit 1
}
rm -rf "$to/_CPack_Packages"
ls "$to"/*.deb
