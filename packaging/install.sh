#!/bin/sh
# ./install.sh [--root DIR]            installs smtptape from this directory, or upgrades it
# ./install.sh --remove [--root DIR]   removes it; configuration and recordings stay
#
# Does what the packages do, for systems without one.  Nothing is enabled or started; what runs already
# is restarted with the new program.  With --root nothing is run, only files are laid.
set -e
umask 022
here=$(cd "$(dirname "$0")" && pwd)
usage=$(sed -n 's/^# //; 2,3p' "$0")
root= remove=
while [ $# -gt 0 ]; do
  case $1 in
    --remove) remove=yes ;;
    --root)
      [ $# -gt 1 ] || { echo "install.sh: --root takes a directory" >&2; exit 2; }
      root=${2%/}
      shift
      ;;
    --help | -h) echo "$usage"; exit 0 ;;
    *) echo "install.sh: what is $1?" >&2; echo "$usage" >&2; exit 2 ;;
  esac
  shift
done
config=/etc/smtptape/smtptape.toml
files=$(cd "$here/files" && find . -type f | sed 's/^\.//' | grep -vx "$config")

# Files of a package are the package manager's to replace and to remove.
if [ -z "$root" ]; then
  for owner in "dpkg -S" "rpm -qf"; do
    if command -v "${owner%% *}" >/dev/null && $owner /usr/bin/smtptape >/dev/null 2>&1; then
      echo "install.sh: /usr/bin/smtptape belongs to a package (${owner%% *}): remove that first" >&2
      exit 1
    fi
  done
fi

# lay FILE TO: beside it and then in its place, so that what runs keeps its own; whatever umask it was
# unpacked under, everybody may read it.
lay() {
  mode=0644
  case $1 in */bin/* | */lib/smtptape/*) mode=0755 ;; esac
  mkdir -p "$(dirname "$2")"
  install -m "$mode" "$1" "$2.new"
  mv "$2.new" "$2"
}

if [ "$remove" ]; then
  if ! [ -e "$root/usr/bin/smtptape" ]; then
    echo "install.sh: there is no $root/usr/bin/smtptape" >&2
    exit 1
  fi
  if [ -z "$root" ] && [ -x /usr/lib/smtptape/before-removal ]; then
    /usr/lib/smtptape/before-removal
  fi
  for file in $files; do
    rm -f "$root$file"
  done
  rmdir "$root/usr/lib/smtptape" 2>/dev/null || true
  find "$root/usr/share/doc/smtptape" -depth -type d -empty -delete 2>/dev/null || true
  if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload || true
  fi
  echo "smtptape: removed; $root/etc/smtptape and $root/var/lib/smtptape are left"
  exit 0
fi

upgrade=
if [ -e "$root/usr/bin/smtptape" ]; then
  upgrade=upgrade
fi
for file in $files; do
  lay "$here/files$file" "$root$file"
done
if [ ! -e "$root$config" ]; then
  lay "$here/files$config" "$root$config"
elif ! cmp -s "$here/files$config" "$root$config"; then
  cp "$here/files$config" "$root$config.new"
  echo "smtptape: $root$config was kept; the one of this version is beside it, with .new"
fi
if [ -z "$root" ]; then
  /usr/lib/smtptape/after-install $upgrade
fi
echo "smtptape: installed; next: edit $root$config, then systemctl enable --now smtptape"
