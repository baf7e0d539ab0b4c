#!/bin/sh
# ./install.sh [--root DIR]            installs smtptape from this directory, or upgrades it
# ./install.sh --remove [--root DIR]   removes it; configuration and recordings stay
#
# Does what the packages do, for systems without one.  Nothing is enabled or started; what runs already
# is restarted with the new program.  With --root nothing is run, only files are laid.
set -e
here=$(cd "$(dirname "$0")" && pwd)
root= remove=
while [ $# -gt 0 ]; do
  case $1 in
    --remove) remove=yes ;;
    --root)
      [ $# -gt 1 ] || { echo "install.sh: --root takes a directory" >&2; exit 2; }
      root=${2%/}
      shift
      ;;
    *) sed -n 's/^# //; 2,3p' "$0" >&2; exit 2 ;;
  esac
  shift
done
config=/etc/smtptape/smtptape.toml
files=$(cd "$here/files" && find . -type f | sed 's/^\.//' | grep -vx "$config")

if [ "$remove" ]; then
  if [ -z "$root" ] && [ -x /usr/lib/smtptape/before-removal ]; then
    /usr/lib/smtptape/before-removal
  fi
  for file in $files; do
    rm -f "$root$file"
  done
  rmdir "$root/usr/lib/smtptape" "$root/usr/share/doc/smtptape" 2>/dev/null || true
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
  mkdir -p "$root$(dirname "$file")"
  # Beside it and then in its place: what runs keeps its own.
  cp "$here/files$file" "$root$file.new"
  mv "$root$file.new" "$root$file"
done
mkdir -p "$root/etc/smtptape"
if [ ! -e "$root$config" ]; then
  cp "$here/files$config" "$root$config"
elif ! cmp -s "$here/files$config" "$root$config"; then
  cp "$here/files$config" "$root$config.new"
  echo "smtptape: $root$config was kept; the one of this version is beside it, with .new"
fi
if [ -z "$root" ]; then
  /usr/lib/smtptape/after-install $upgrade
fi
echo "smtptape: installed; next: edit $root$config, then systemctl enable --now smtptape"
