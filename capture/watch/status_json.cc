#include "capture/watch/status_json.h"

#include <charconv>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/time_spec.h"
#include "format/tape/ledger_json.h"
#include "format/wire/json_line.h"

namespace smtptape {

namespace {

// ---- writing ----

void add_time(JsonLine& line, std::string_view name, const std::optional<std::int64_t>& nanos) {
  if (nanos) line.field(name, show_time(*nanos));
}

std::string json_of(const DurationHistogram& histogram) {
  JsonLine line;
  line.raw("up_to_seconds", json_list(DurationHistogram::kUpTo, [](double up_to) {
             std::array<char, 32> text{};
             return std::string(text.data(),
                                std::to_chars(text.data(), text.data() + text.size(), up_to).ptr);
           }));
  line.raw("counts",
           json_list(histogram.counts, [](std::uint64_t count) { return std::to_string(count); }));
  return line.real("sum_seconds", histogram.sum).object();
}

std::string json_of(const std::vector<ReconnectCount>& reconnects) {
  JsonLine line;
  for (const ReconnectCount& reconnect : reconnects)
    line.field(reconnect.reason, reconnect.count);
  return line.object();
}

std::string json_of(const std::vector<PrunedBytes>& all) {
  JsonLine line;
  for (const PrunedBytes& pruned : all)
    line.field(pruned.reason, pruned.bytes);
  return line.object();
}

std::string sealed_json(const SourceStatus& source) {
  JsonLine line;
  for (std::size_t i = 0; i < kSealReasons; ++i)
    line.field(name_of(static_cast<SealReason>(i)), source.tapes_sealed[i]);
  return line.object();
}

std::string json_of(const SourceStatus& source) {
  JsonLine line;
  line.field("name", source.name).field("endpoint", source.endpoint);
  line.truth("connected", source.connected).field("since", show_time(source.since));
  line.field("last_error", source.last_error);
  add_time(line, "last_error_at", source.last_error_at);
  line.raw("reconnects", json_of(source.reconnects)).raw("ledger", json_of(source.ledger));
  line.field("received_bytes", source.received_bytes);
  add_time(line, "last_event_at", source.last_event_at);
  line.raw("receive_delay", json_of(source.receive_delay));
  line.field("open_sessions", source.open_sessions);
  line.real("events_per_second", source.events_per_second);
  line.field("queue_bytes", source.queue_bytes).truth("dropping", source.dropping);
  if (source.waits_for) line.field("waits_for_ns", *source.waits_for);
  if (source.stalled_for) line.field("stalled_for_ns", *source.stalled_for);
  line.truth("writing", source.writing);
  line.field("disk_trouble", source.disk_trouble).field("write_errors", source.write_errors);
  line.field("tape", source.tape).field("tape_bytes", source.tape_bytes);
  return line.raw("tapes_sealed", sealed_json(source)).object();
}

// All sources together.
std::string totals_json(const RecorderStatus& status) {
  JsonLine line;
  line.raw("ledger", json_of(status.ledger()));
  line.field("tapes", status.store_tapes).field("bytes", status.store_bytes);
  add_time(line, "oldest", status.store_oldest);
  add_time(line, "last_event_at", status.last_event_at());
  return line.object();
}

// ---- reading ----

// Reads one member of an object into `to`.  What fails, the reader remembers.
void read(JsonReader& reader, std::string& to) {
  to.clear();
  static_cast<void>(reader.read_string(to));
}

void read(JsonReader& reader, std::uint64_t& to) {
  static_cast<void>(reader.read_u64(to));
}

void read(JsonReader& reader, bool& to) {
  static_cast<void>(reader.read_bool(to));
}

void read(JsonReader& reader, double& to) {
  const auto text = reader.skip_value();
  if (!text) return;
  const auto end = std::from_chars(text->data(), text->data() + text->size(), to);
  if (end.ec != std::errc() || end.ptr != text->data() + text->size()) reader.fail("not a number");
}

void read(JsonReader& reader, std::int64_t& nanos) {
  std::string text;
  read(reader, text);
  if (reader.failed()) return;
  // As show_time() writes it; words like "yesterday" are none.
  if (!text.ends_with('Z')) {
    reader.fail("not a time");
    return;
  }
  nanos = parse_time_spec(text, 0, "a time of the status");
}

template <class Value>
void read(JsonReader& reader, std::optional<Value>& to) {
  read(reader, to.emplace());
}

void read(JsonReader& reader, Ledger& to) {
  static_cast<void>(read_json(reader, to));
}

// Calls `member` for each, which consumes its value.
template <class Member>
void read_object(JsonReader& reader, Member member) {
  if (!reader.enter_object()) return;
  std::string key;
  while (reader.next_key(key))
    member(key);
}

void pass_over(JsonReader& reader) {
  static_cast<void>(reader.skip_value());
}

// Its buckets must be ours: then only the counts matter.
void read(JsonReader& reader, DurationHistogram& to) {
  read_object(reader, [&](const std::string& key) {
    if (key == "sum_seconds") return read(reader, to.sum);
    if (key != "counts") return pass_over(reader);
    std::size_t i = 0;
    if (!reader.enter_array()) return;
    while (reader.next_element()) {
      if (i == to.counts.size()) {
        reader.fail("more buckets than are known");
        return;
      }
      read(reader, to.counts[i++]);
    }
  });
}

void read(JsonReader& reader, std::vector<ReconnectCount>& to) {
  read_object(reader, [&](const std::string& key) {
    read(reader, to.emplace_back(ReconnectCount{key, 0}).count);
  });
}

void read(JsonReader& reader, std::vector<PrunedBytes>& to) {
  read_object(reader, [&](const std::string& key) {
    read(reader, to.emplace_back(PrunedBytes{key, 0}).bytes);
  });
}

void read_sealed(JsonReader& reader, SourceStatus& to) {
  read_object(reader, [&](const std::string& key) {
    for (std::size_t i = 0; i < kSealReasons; ++i) {
      if (key == name_of(static_cast<SealReason>(i))) return read(reader, to.tapes_sealed[i]);
    }
    pass_over(reader);
  });
}

bool read_connection(JsonReader& reader, const std::string& key, SourceStatus& to) {
  if (key == "name") return read(reader, to.name), true;
  if (key == "endpoint") return read(reader, to.endpoint), true;
  if (key == "connected") return read(reader, to.connected), true;
  if (key == "since") return read(reader, to.since), true;
  if (key == "last_error") return read(reader, to.last_error), true;
  if (key == "last_error_at") return read(reader, to.last_error_at), true;
  if (key == "reconnects") return read(reader, to.reconnects), true;
  return false;
}

bool read_writing(JsonReader& reader, const std::string& key, SourceStatus& to) {
  if (key == "queue_bytes") return read(reader, to.queue_bytes), true;
  if (key == "dropping") return read(reader, to.dropping), true;
  if (key == "waits_for_ns") return read(reader, to.waits_for), true;
  if (key == "stalled_for_ns") return read(reader, to.stalled_for), true;
  if (key == "writing") return read(reader, to.writing), true;
  if (key == "disk_trouble") return read(reader, to.disk_trouble), true;
  if (key == "write_errors") return read(reader, to.write_errors), true;
  if (key == "tape") return read(reader, to.tape), true;
  if (key == "tape_bytes") return read(reader, to.tape_bytes), true;
  if (key == "tapes_sealed") return read_sealed(reader, to), true;
  return false;
}

void read(JsonReader& reader, SourceStatus& to) {
  read_object(reader, [&](const std::string& key) {
    if (read_connection(reader, key, to) || read_writing(reader, key, to)) return;
    if (key == "ledger") return read(reader, to.ledger);
    if (key == "received_bytes") return read(reader, to.received_bytes);
    if (key == "last_event_at") return read(reader, to.last_event_at);
    if (key == "receive_delay") return read(reader, to.receive_delay);
    if (key == "open_sessions") return read(reader, to.open_sessions);
    if (key == "events_per_second") return read(reader, to.events_per_second);
    pass_over(reader);
  });
}

void read(JsonReader& reader, std::vector<SourceStatus>& to) {
  if (!reader.enter_array()) return;
  while (reader.next_element())
    read(reader, to.emplace_back());
}

bool read_store(JsonReader& reader, const std::string& key, RecorderStatus& to) {
  if (key == "store") return read(reader, to.store), true;
  if (key == "store_tapes") return read(reader, to.store_tapes), true;
  if (key == "store_bytes") return read(reader, to.store_bytes), true;
  if (key == "store_free_bytes") return read(reader, to.store_free_bytes), true;
  if (key == "store_oldest") return read(reader, to.store_oldest), true;
  if (key == "pruned_bytes") return read(reader, to.pruned), true;
  return false;
}

// Gives back the schema.
std::string read(JsonReader& reader, RecorderStatus& to) {
  std::string schema;
  read_object(reader, [&](const std::string& key) {
    if (read_store(reader, key, to)) return;
    if (key == "schema") return read(reader, schema);
    if (key == "version") return read(reader, to.version);
    if (key == "started") return read(reader, to.started);
    if (key == "now") return read(reader, to.now);
    if (key == "queue_limit_bytes") return read(reader, to.queue_limit);
    if (key == "flushes") return read(reader, to.flushes);
    if (key == "syncs") return read(reader, to.syncs);
    if (key == "sources") return read(reader, to.sources);
    pass_over(reader);
  });
  return schema;
}

}  // namespace

std::string status_json(const RecorderStatus& status) {
  JsonLine line;
  line.field("schema", kStatusSchema).truth("running", true).field("version", status.version);
  line.field("started", show_time(status.started)).field("now", show_time(status.now));
  line.truth("ready", status.is_ready()).field("store", status.store);
  line.field("store_tapes", status.store_tapes).field("store_bytes", status.store_bytes);
  line.field("store_free_bytes", status.store_free_bytes);
  add_time(line, "store_oldest", status.store_oldest);
  line.raw("pruned_bytes", json_of(status.pruned));
  line.field("queue_limit_bytes", status.queue_limit);
  line.raw("flushes", json_of(status.flushes)).raw("syncs", json_of(status.syncs));
  line.raw("totals", totals_json(status));
  line.raw("sources",
           json_list(status.sources, [](const SourceStatus& source) { return json_of(source); }));
  return line.object();
}

RecorderStatus read_status_json(std::string_view json_untrusted) {
  RecorderStatus status;
  if (!is_utf8(json_untrusted)) throw Error("the status is not UTF-8");
  JsonReader reader(json_untrusted);
  const std::string schema = read(reader, status);
  if (reader.failed() || !reader.at_end()) {
    throw Error("the status can't be understood: " + reader.error());
  }
  if (schema != kStatusSchema) throw Error("what came is not a status of a recorder");
  return status;
}

}  // namespace smtptape
