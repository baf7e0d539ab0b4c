#!/usr/bin/env bash
# The main job from end to end on this machine, with a recorded night in place of a mail server:
# serve plays it on a loopback port, capture records it, replay prints a piece of it.  Ends by itself.
set -euo pipefail
cd "$(dirname "$0")/.."
smtptape=${SMTPTAPE:-build/release/smtptape}
work=$(mktemp -d)
server=
clean_up() {
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then kill "$server"; fi
  rm -rf "$work"
}
trap clean_up EXIT
show() { printf '\n$ %s\n' "$*"; }

show "smtptape serve samples/night.tape --listen 127.0.0.1:0 --once &"
"$smtptape" serve samples/night.tape --listen 127.0.0.1:0 --once 2>"$work/serve.log" &
server=$!
url=
for _ in $(seq 100); do
  url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$work/serve.log" | head -n 1) && break
  kill -0 "$server" 2>/dev/null || { cat "$work/serve.log"; exit 1; }
  sleep 0.1
done
[ -n "$url" ] || { echo "the server did not start within 10 s"; cat "$work/serve.log"; exit 1; }
cat "$work/serve.log"

show "smtptape capture --endpoint $url --name mta-1 --store STORE --until-end"
"$smtptape" capture --endpoint "$url" --name mta-1 --store "$work/store" --until-end
wait "$server"
server=

show "smtptape info STORE"
"$smtptape" info "$work/store"

show "smtptape replay STORE --tenant globex --scope session --terse --color no"
"$smtptape" replay "$work/store" --tenant globex --scope session --terse --color no >"$work/demo.txt"
head -n 24 "$work/demo.txt"
printf '… %s lines in all\n' "$(wc -l <"$work/demo.txt")"
if ! cmp -s "$work/demo.txt" samples/demo.txt; then
  echo "this is not what samples/demo.txt says:"
  diff "$work/demo.txt" samples/demo.txt | head
  exit 1
fi

cat <<'END'

It works: what was served was recorded, and replayed as kcli would have printed it.  Try next:

  build/release/smtptape replay samples/night.tape --color yes | less -R
  build/release/smtptape replay samples/night.tape --tenant acme --scope strict
  build/release/smtptape extract samples/night.tape --tenant acme -o acme.tape
  build/release/smtptape serve samples/night.tape        # and connect with kcli
  build/release/smtptape --help
END
