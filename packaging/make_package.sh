#!/bin/bash
# packaging/make_package.sh BUILD TO [KIND…]: packages of a build that is done, into the directory TO;
# prints their names.  Kinds are deb, rpm and tar, which are all made when none is named.  The same
# commit gives the same bytes: times are those of the commit, or of SOURCE_DATE_EPOCH.
set -euo pipefail
build=$(readlink -f "$1") to=$(readlink -m "$2")
shift 2
cd "$(dirname "$(readlink -f "$0")")/.."

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
umask 022

# setting NAME: of CPack's.
setting() {
  sed -n "s/^set(CPACK_$1 \"\(.*\)\")$/\1/p" "$build/CPackConfig.cmake"
}

# The files of the packages below a directory, beside install.sh, which lays them.
make_tar() {
  local name component
  name=smtptape-$(setting PACKAGE_VERSION)-linux-$(setting SMTPTAPE_PROCESSOR)
  for component in portable service files files_elsewhere; do
    DESTDIR=$to/$name/files cmake --install "$build" --prefix /usr --component "$component" --strip
  done
  cp packaging/install.sh "$to/$name/"
  (cd "$to" && find "$name" -print0 | LC_ALL=C sort -z |
    tar --create --no-recursion --null --files-from - --mtime "@$SOURCE_DATE_EPOCH" --owner 0 --group 0 --numeric-owner |
    zstd -19 -q -o "$name.tar.zst")
  rm -rf "${to:?}/$name"
}

make_all() {
  cmake --build "$build" --target packaged
  local kind
  for kind; do
    case $kind in
      deb | rpm) cpack -G "${kind^^}" --config "$build/CPackConfig.cmake" -B "$to" ;;
      tar) make_tar ;;
      *) echo "no kind of package: $kind" && return 1 ;;
    esac
  done
}

# Those of another processor may lie in a directory below.
mkdir -p "$to"
rm -rf "$to"/smtptape* "$to/_CPack_Packages"
[[ $# -gt 0 ]] || set -- deb rpm tar
(set -e && make_all "$@") </dev/null >"$to/log" 2>&1 || {
  tail -n 40 "$to/log" >&2
  exit 1
}
rm -rf "$to/_CPack_Packages"
find "$to" -maxdepth 1 -name 'smtptape*' -type f | sort
