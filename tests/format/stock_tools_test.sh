#!/bin/bash
# A tape opens with two stock tools: `zstd -dc x.tape | capnp decode format/tape/tape.capnp Record`
# prints every record, with time, metadata, kind and text as fields of their own.
#
# What they print of the worked example stands in docs/format.md.
#
#   stock_tools_test.sh WRITE_EXAMPLE_TAPE SCHEMA DOCUMENT
set -euo pipefail
write_example_tape=$1 schema=$2 document=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# expect LAYOUT TEXT: the decoded tape has this text in it, wherever capnp breaks its lines.
expect() {
  if tr -d ' \n' <"$folder/$1.txt" | grep -qF -- "${2// /}"; then return; fi
  printf 'the %s tape, decoded, has no %s:\n' "$1" "$2" >&2
  cat "$folder/$1.txt" >&2
  exit 1
}

for layout in interleaved two-frames; do
  "$write_example_tape" "$layout" "$folder/x.tape"
  zstd -q --test "$folder/x.tape"
  zstd -dc "$folder/x.tape" | capnp decode "$schema" Record >"$folder/$layout.txt"
  expect "$layout" 'firstWhen = 1785851690120000000'
  expect "$layout" 'when = (i32 = [0, 1000000, 3000000])'
  expect "$layout" '(key = "tenant", json = "\"acme\"")'
  expect "$layout" 'kind = [0, 3, 4]'
  expect "$layout" 'text = "220 mx1 ESMTP\r\nMAIL FROM:<a@b.example>\r\n"'
done

sed -n '/^```capnp$/,/^```$/{/^```/d; p}' "$document" >"$folder/document.txt"
diff "$folder/document.txt" "$folder/interleaved.txt"
