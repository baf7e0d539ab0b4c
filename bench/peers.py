"""What people use today for the same work.  What comes from the Python package index is installed into
build/bench-peers; what can't be had is left out and told.
"""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "build/bench-peers"
PACKAGES = ("duckdb==2.*", "chdb", "mcap", "zstandard")
INSTALLING = 600  # seconds, at most

# argv: the lines that zstd packed, the tenant.
DUCKDB = """import duckdb, sys
duckdb.execute("set enable_progress_bar = false")
rows = duckdb.execute("select json from read_ndjson_objects(?, compression='zstd') "
                      "where json->'conn_meta'->>'tenant' = ?", sys.argv[1:3])
while found := rows.fetchmany(1000):
    sys.stdout.write("".join(row[0] + "\\n" for row in found))
"""
CHDB = """import chdb, sys
print(chdb.query("select line from file('" + sys.argv[1] + "', 'LineAsString', 'line String', 'zstd') "
                 "where JSONExtractString(line, 'conn_meta', 'tenant') = '" + sys.argv[2] + "'", "LineAsString"))
"""
# argv: the lines that zstd packed.  A query may know how a message's final reply looks in this feed.
DUCKDB_TABLE = """import duckdb, sys
duckdb.execute("set enable_progress_bar = false")
for row in duckdb.execute(sys.argv[2], sys.argv[1:2]).fetchall():
    print(*row)
"""
DUCKDB_EVENTS = """with events as (
    select json->'conn_meta'->>'id' as id, regexp_extract(json->'conn_meta'->>'mx_host', '([^.]+[.][^.]+)[.]?$', 1) as provider,
           json->>'payload' = 'MessageObtained' as message, json->'payload'->>'Read' as reply, json->>'when' as time
    from read_ndjson_objects(?, compression='zstd')) """
DUCKDB_PROVIDERS = DUCKDB_EVENTS + """select provider, count(distinct id), countif(message) as messages,
    countif(reply like '250 2.0.0 %'), countif(reply like '4__ %'), countif(reply like '5__ %')
    from events where provider <> '' group by provider order by messages desc"""
DUCKDB_SESSIONS = DUCKDB_EVENTS + """select min(time) as start, max(time), max(provider), countif(message),
    max_by(reply, time), id from events group by id order by start"""
CHDB_TABLE = """import chdb, sys
print(chdb.query(sys.argv[2].replace("FILE", sys.argv[1]), "TSV"))
"""
CHDB_EVENTS = """with events as (
    select JSONExtractString(line, 'conn_meta', 'id') as id,
           extract(JSONExtractString(line, 'conn_meta', 'mx_host'), '([^.]+[.][^.]+)[.]?$') as provider,
           JSONExtractString(line, 'payload') = 'MessageObtained' as message,
           JSONExtractString(line, 'payload', 'Read') as reply, JSONExtractString(line, 'when') as time
    from file('FILE', 'LineAsString', 'line String', 'zstd')) """
CHDB_PROVIDERS = CHDB_EVENTS + """select provider, uniqExact(id), countIf(message) as messages, countIf(reply like '250 2.0.0 %'),
    countIf(reply like '4__ %'), countIf(reply like '5__ %')
    from events where provider != '' group by provider order by messages desc"""
CHDB_SESSIONS = CHDB_EVENTS + """select min(time) as start, max(time), max(provider), countIf(message), argMaxIf(reply, time, reply != ''), id
    from events group by id order by start"""
JQ_PROVIDERS = """reduce inputs as $event ({}; ($event.conn_meta.mx_host // "" | rtrimstr(".") | split(".")[-2:] | join(".")) as $provider |
    if $provider == "" then . else
      .[$provider].ids[$event.conn_meta.id] = 1 |
      if $event.payload == "MessageObtained" then .[$provider].messages += 1
      elif ($event.payload | type) == "object" and ($event.payload.Read // "" | test("^(250 2[.]0[.]0 |[45])"))
      then .[$provider].codes[$event.payload.Read[0:1]] += 1 else . end
    end) | to_entries[] | [.key, (.value.ids | length), .value.messages, .value.codes["2"]]"""
# argv: lines, and the file to make of them.
TO_MCAP = """import mcap.writer, sys
with open(sys.argv[1], "rb") as lines, open(sys.argv[2], "wb") as out:
    writer = mcap.writer.Writer(out, compression=mcap.writer.CompressionType.ZSTD)
    writer.start()
    channel = writer.register_channel("trace", "json", writer.register_schema("event", "jsonschema", b"{}"))
    for number, line in enumerate(lines):
        writer.add_message(channel, number, line.rstrip(b"\\n"), number)
    writer.finish()
"""
FROM_MCAP = """import mcap.reader, sys
with open(sys.argv[1], "rb") as recorded:
    for _, _, message in mcap.reader.make_reader(recorded).iter_messages():
        sys.stdout.buffer.write(message.data + b"\\n")
"""


def install(may):
    """The Python that has the packages; None: they can't be had, or may not."""
    python = HOME / "bin/python"
    done = HOME / "complete"
    if done.exists() or not may:
        return python if done.exists() else None
    print(f"bench: installing {', '.join(PACKAGES)} into {HOME.relative_to(ROOT)}", file=sys.stderr)
    try:
        for command in ([sys.executable, "-m", "venv", "--clear", HOME],
                        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]):
            subprocess.run(command, check=True, timeout=INSTALLING, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"bench: without duckdb, chdb and mcap: {error}", file=sys.stderr)
        return None
    done.touch()
    return python


class Peers:
    def __init__(self, may_install):
        self.python = install(may_install)
        self.ripgrep = shutil.which("rg")
        self.jq = shutil.which("jq")
        for name, there in (("ripgrep", self.ripgrep), ("jq", self.jq)):
            if not there:
                print(f"bench: {name} is not installed and is left out", file=sys.stderr)

    def script(self, text, *words):
        return [self.python, "-c", text, *words]

    def search(self, packed, tenant):
        """(name, command) of all that find a tenant's lines in a file that zstd packed."""
        unpack = ["zstd", "-dcq", packed]
        found = [("zstd, grep", [unpack, ["grep", "-F", f'"tenant":"{tenant}"']])]
        if self.ripgrep:
            found.append(("ripgrep", [self.ripgrep, "-z", "-F", f'"tenant":"{tenant}"', packed]))
        if self.jq:
            found.append(("zstd, jq", [unpack, [self.jq, "-c", f'select(.conn_meta.tenant == "{tenant}")']]))
        if self.python:
            found += [("duckdb", self.script(DUCKDB, packed, tenant)), ("chdb", self.script(CHDB, packed, tenant))]
        return found

    def providers(self, packed):
        """(name, command) that count sessions, messages and replies by provider."""
        found = [("zstd, jq", [["zstd", "-dcq", packed], [self.jq, "-c", "-n", JQ_PROVIDERS]])] if self.jq else []
        return found + self.tables(packed, DUCKDB_PROVIDERS, CHDB_PROVIDERS)

    def sessions(self, packed):
        """(name, command) that list all sessions."""
        return self.tables(packed, DUCKDB_SESSIONS, CHDB_SESSIONS)

    def tables(self, packed, for_duckdb, for_chdb):
        if not self.python:
            return []
        return [("duckdb", self.script(DUCKDB_TABLE, packed, for_duckdb)), ("chdb", self.script(CHDB_TABLE, packed, for_chdb))]

    def mcap(self, lines, to):
        """(name, command) that makes a file of MCAP."""
        return [("mcap", self.script(TO_MCAP, lines, to))] if self.python else []

    def read_mcap(self, recorded):
        return [("mcap", self.script(FROM_MCAP, recorded))] if self.python else []
