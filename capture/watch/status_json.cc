#include "capture/watch/status_json.h"

#include <optional>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "format/tape/ledger_json.h"

namespace json = boost::json;

namespace smtptape {

namespace {

// ---- writing ----

// Names and reasons can be any bytes.
json::string text(std::string_view bytes) {
  const std::string good = as_utf8(bytes);
  return json::string(good.data(), good.size());
}

json::value json_value(const Ledger& ledger) {
  return json::parse(json_of(ledger));
}

json::object json_value(const DurationHistogram& histogram) {
  return {{"up_to_seconds", json::array(histogram.kUpTo.begin(), histogram.kUpTo.end())},
          {"counts", json::array(histogram.counts.begin(), histogram.counts.end())},
          {"sum_seconds", histogram.sum}};
}

// What is not there is left out.
template <class Value>
void add(json::object& to, const char* name, const std::optional<Value>& value) {
  if (value) to[name] = *value;
}

void add_time(json::object& to, const char* name, const std::optional<std::int64_t>& nanos) {
  if (nanos) to[name] = show_time(*nanos);
}

json::object reconnects_value(const SourceStatus& source) {
  json::object object;
  for (const ReconnectCount& reconnect : source.reconnects)
    object[text(reconnect.reason)] = reconnect.count;
  return object;
}

json::object sealed_value(const SourceStatus& source) {
  json::object object;
  for (std::size_t i = 0; i < kSealReasons; ++i) {
    const std::string_view reason = name_of(static_cast<SealReason>(i));
    object[{reason.data(), reason.size()}] = source.tapes_sealed[i];
  }
  return object;
}

json::object json_value(const SourceStatus& source) {
  json::object object{{"name", text(source.name)},
                      {"endpoint", text(source.endpoint)},
                      {"connected", source.connected},
                      {"since", show_time(source.since)},
                      {"last_error", text(source.last_error)}};
  add_time(object, "last_error_at", source.last_error_at);
  object["reconnects"] = reconnects_value(source);
  object["ledger"] = json_value(source.ledger);
  object["received_bytes"] = source.received_bytes;
  add_time(object, "last_event_at", source.last_event_at);
  object["receive_delay"] = json_value(source.receive_delay);
  object["open_sessions"] = source.open_sessions;
  object["events_per_second"] = source.events_per_second;
  object["queue_bytes"] = source.queue_bytes;
  object["dropping"] = source.dropping;
  add(object, "waits_for_ns", source.waits_for);
  add(object, "stalled_for_ns", source.stalled_for);
  object["writing"] = source.writing;
  object["disk_trouble"] = text(source.disk_trouble);
  object["write_errors"] = source.write_errors;
  object["tape"] = text(source.tape);
  object["tape_bytes"] = source.tape_bytes;
  object["tapes_sealed"] = sealed_value(source);
  return object;
}

// All sources together.
json::object totals_value(const RecorderStatus& status) {
  json::object object{{"ledger", json_value(status.ledger())},
                      {"tapes", status.store_tapes},
                      {"bytes", status.store_bytes}};
  add_time(object, "oldest", status.store_oldest);
  add_time(object, "last_event_at", status.last_event_at());
  return object;
}

json::object json_value(const RecorderStatus& status) {
  json::object object{{"schema", text(kStatusSchema)},
                      {"running", true},
                      {"version", text(status.version)},
                      {"started", show_time(status.started)},
                      {"now", show_time(status.now)},
                      {"ready", status.is_ready()},
                      {"store", text(status.store)},
                      {"store_tapes", status.store_tapes},
                      {"store_bytes", status.store_bytes},
                      {"store_free_bytes", status.store_free_bytes},
                      {"store_wanted_free_bytes", status.store_wanted_free_bytes}};
  add_time(object, "store_oldest", status.store_oldest);
  json::object& pruned = object["pruned_bytes"].emplace_object();
  for (const PrunedBytes& of : status.pruned)
    pruned[text(of.reason)] = of.bytes;
  object["queue_limit_bytes"] = status.queue_limit;
  object["flushes"] = json_value(status.flushes);
  object["syncs"] = json_value(status.syncs);
  object["totals"] = totals_value(status);
  json::array& sources = object["sources"].emplace_array();
  for (const SourceStatus& source : status.sources)
    sources.emplace_back(json_value(source));
  return object;
}

// ---- reading ----

[[noreturn]] void fail(const std::string& why) {
  throw Error("the status can't be understood: " + why);
}

const json::object& object_in(const json::value& from) {
  const json::object* const object = from.if_object();
  if (object == nullptr) fail("not an object");
  return *object;
}

const json::array& array_in(const json::value& from) {
  const json::array* const array = from.if_array();
  if (array == nullptr) fail("not a list");
  return *array;
}

void read(const json::value& from, std::string& to) {
  const json::string* const string = from.if_string();
  if (string == nullptr) fail("not a string");
  to.assign(string->data(), string->size());
}

void read(const json::value& from, bool& to) {
  const bool* const truth = from.if_bool();
  if (truth == nullptr) fail("neither true nor false");
  to = *truth;
}

template <class Number>
void read_number(const json::value& from, Number& to) {
  json::error_code error;
  to = from.to_number<Number>(error);
  if (error) fail("not a number");
}

void read(const json::value& from, std::uint64_t& to) {
  read_number(from, to);
}

void read(const json::value& from, double& to) {
  read_number(from, to);
}

// As show_time() writes it; words like "yesterday" are none.
void read(const json::value& from, std::int64_t& nanos) {
  std::string time;
  read(from, time);
  if (!time.ends_with('Z')) fail("not a time");
  nanos = parse_time_spec(time, 0, "a time of the status");
}

template <class Value>
void read(const json::value& from, std::optional<Value>& to) {
  read(from, to.emplace());
}

void read(const json::value& from, Ledger& to) {
  const std::string text = json::serialize(from);
  JsonReader reader(text);
  if (!read_json(reader, to)) fail(reader.error());
}

void read(const json::value& from, DurationHistogram& to);
void read(const json::value& from, std::vector<SourceStatus>& to);

// One member, if it is there; others are of a later recorder.
template <class Value>
void read(const json::object& from, std::string_view name, Value& to) {
  const json::value* const value = from.if_contains({name.data(), name.size()});
  if (value != nullptr) read(*value, to);
}

// Its buckets must be ours: then only the counts matter.
void read(const json::value& from, DurationHistogram& to) {
  const json::object& object = object_in(from);
  read(object, "sum_seconds", to.sum);
  const json::value* const counts = object.if_contains("counts");
  if (counts == nullptr) return;
  std::size_t i = 0;
  for (const json::value& count : array_in(*counts)) {
    if (i == to.counts.size()) fail("more buckets than are known");
    read(count, to.counts[i++]);
  }
}

// Counts by the name of their reason.
template <class Counts>
void read_counts(const json::object& from, const char* name, Counts add) {
  const json::value* const counts = from.if_contains(name);
  if (counts == nullptr) return;
  for (const auto& [reason, count] : object_in(*counts)) {
    std::uint64_t number = 0;
    read(count, number);
    add(std::string(reason.data(), reason.size()), number);
  }
}

void read_sealed(const json::object& from, SourceStatus& to) {
  read_counts(from, "tapes_sealed", [&to](const std::string& reason, std::uint64_t count) {
    for (std::size_t i = 0; i < kSealReasons; ++i) {
      if (reason == name_of(static_cast<SealReason>(i))) to.tapes_sealed[i] = count;
    }
  });
}

void read_connection(const json::object& from, SourceStatus& to) {
  read(from, "name", to.name);
  read(from, "endpoint", to.endpoint);
  read(from, "connected", to.connected);
  read(from, "since", to.since);
  read(from, "last_error", to.last_error);
  read(from, "last_error_at", to.last_error_at);
  read_counts(from, "reconnects", [&to](const std::string& reason, std::uint64_t count) {
    to.reconnects.push_back({reason, count});
  });
  read(from, "ledger", to.ledger);
  read(from, "received_bytes", to.received_bytes);
  read(from, "last_event_at", to.last_event_at);
  read(from, "receive_delay", to.receive_delay);
  read(from, "open_sessions", to.open_sessions);
  read(from, "events_per_second", to.events_per_second);
}

void read(const json::value& from, SourceStatus& to) {
  const json::object& object = object_in(from);
  read_connection(object, to);
  read(object, "queue_bytes", to.queue_bytes);
  read(object, "dropping", to.dropping);
  read(object, "waits_for_ns", to.waits_for);
  read(object, "stalled_for_ns", to.stalled_for);
  read(object, "writing", to.writing);
  read(object, "disk_trouble", to.disk_trouble);
  read(object, "write_errors", to.write_errors);
  read(object, "tape", to.tape);
  read(object, "tape_bytes", to.tape_bytes);
  read_sealed(object, to);
}

void read(const json::value& from, std::vector<SourceStatus>& to) {
  for (const json::value& source : array_in(from))
    read(source, to.emplace_back());
}

RecorderStatus read_status(const json::object& from) {
  RecorderStatus to;
  read(from, "version", to.version);
  read(from, "started", to.started);
  read(from, "now", to.now);
  read(from, "store", to.store);
  read(from, "store_tapes", to.store_tapes);
  read(from, "store_bytes", to.store_bytes);
  read(from, "store_free_bytes", to.store_free_bytes);
  read(from, "store_wanted_free_bytes", to.store_wanted_free_bytes);
  read(from, "store_oldest", to.store_oldest);
  read_counts(from, "pruned_bytes", [&to](const std::string& reason, std::uint64_t bytes) {
    to.pruned.push_back({reason, bytes});
  });
  read(from, "queue_limit_bytes", to.queue_limit);
  read(from, "flushes", to.flushes);
  read(from, "syncs", to.syncs);
  read(from, "sources", to.sources);
  return to;
}

}  // namespace

std::string status_json(const RecorderStatus& status) {
  return json::serialize(json_value(status));
}

RecorderStatus read_status_json(std::string_view json_untrusted) {
  json::error_code error;
  const json::value value = json::parse({json_untrusted.data(), json_untrusted.size()}, error);
  if (error) fail(error.message());
  const json::object& object = object_in(value);
  std::string schema;
  read(object, "schema", schema);
  if (schema != kStatusSchema) throw Error("what came is not a status of a recorder");
  return read_status(object);
}

}  // namespace smtptape
