// A store as nights leave it, from a seed, and the order in which its events have to come out:
// several sources, some of one name; recorders that were started anew; clocks that step; events of
// one moment; tapes without their ends; copies and extracts that overlap; tapes that are gone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "format/tape/tape_name.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/program.h"

namespace smtptape::testing {

struct StoredEvent {
  const Origin* origin = nullptr;
  std::size_t row = 0;  // which recorder
  std::uint64_t sequence = 0;
  std::int64_t received = 0;
};

// What identifies an event in a report.
inline std::string name_of(const Origin& origin, std::uint64_t sequence) {
  return origin.source + " " + to_hex(origin.capture).substr(0, 4) + " " +
         std::to_string(origin.tape_number) + " " + std::to_string(sequence);
}

// The rule, as simple as it can be said.
inline std::vector<StoredEvent> in_order(std::vector<StoredEvent> events) {
  std::map<std::size_t, std::deque<StoredEvent>> rows;
  std::sort(events.begin(), events.end(), [](const StoredEvent& a, const StoredEvent& b) {
    return std::tuple(a.row, a.origin->tape_number, a.sequence) <
           std::tuple(b.row, b.origin->tape_number, b.sequence);
  });
  for (const StoredEvent& event : events)
    rows[event.row].push_back(event);
  std::map<std::size_t, std::int64_t> times;
  std::vector<StoredEvent> sorted;
  while (sorted.size() < events.size()) {
    const auto key = [&](std::size_t row) {
      const StoredEvent& head = rows[row].front();
      const auto time = times.find(row);
      return std::tuple(time == times.end() ? head.received : std::max(time->second, head.received),
                        head.origin->source,
                        row);
    };
    std::optional<std::size_t> first;
    for (const auto& [row, left] : rows)
      if (!left.empty() && (!first || key(row) < key(*first))) first = row;
    times[*first] = std::get<0>(key(*first));
    sorted.push_back(rows[*first].front());
    rows[*first].pop_front();
  }
  return sorted;
}

class RandomStore {
 public:
  RandomStore(const std::filesystem::path& directory, std::uint32_t seed)
      : directory_(directory), random_(seed) {
    const std::size_t rows = 1 + below(4);
    for (std::size_t row = 0; row < rows; ++row)
      record(row);
    const std::vector<StoredEvent> all = in_order(all_);
    for (std::size_t copies = below(4); copies > 0; --copies)
      copy_some(all);
  }

  // Directories and files, in any order.
  [[nodiscard]] std::vector<std::string> arguments() {
    std::vector<std::string> names(outside_);
    for (const std::string& directory : directories_)
      names.push_back(directory);
    std::shuffle(names.begin(), names.end(), random_);
    return names;
  }
  [[nodiscard]] std::vector<std::string> expected() const {
    std::vector<StoredEvent> there;
    for (const StoredEvent& event : all_)
      if (there_.contains(key_of(event))) there.push_back(event);
    std::vector<std::string> names;
    for (const StoredEvent& event : in_order(there))
      names.push_back(name_of(*event.origin, event.sequence));
    return names;
  }

 private:
  using Key = std::tuple<Id128, std::uint64_t>;
  static Key key_of(const StoredEvent& event) { return {event.origin->capture, event.sequence}; }

  std::size_t below(std::size_t most) { return random_() % most; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  Id128 next_id() {
    Id128 id;
    for (std::uint8_t& byte : id.bytes)
      byte = static_cast<std::uint8_t>(random_());
    return id;
  }

  // Two recorders in three have names of their own; the others' stores lie elsewhere.
  void record(std::size_t row) {
    const bool namesake = row > 0 && one_in(3);
    const std::string source = namesake ? "a" : std::string(1, static_cast<char>('a' + row));
    const auto store = directory_ / (namesake ? "store" + std::to_string(row) : "store");
    std::filesystem::create_directories(store);
    directories_.insert(store.string());
    std::uint64_t number = 1 + below(3);
    std::int64_t now = 1000 + static_cast<std::int64_t>(below(60));
    for (std::size_t captures = 1 + below(3); captures > 0; --captures) {
      const Id128 capture = next_id();
      std::uint64_t sequence = 1 + below(3);
      for (std::size_t tapes = 1 + below(3); tapes > 0; --tapes)
        record_tape(store, {capture, source, number++, false}, row, sequence, now);
    }
  }

  void record_tape(const std::filesystem::path& store,
                   const Origin& origin,
                   std::size_t row,
                   std::uint64_t& sequence,
                   std::int64_t& now) {
    const Origin* const kept = &origins_.emplace_back(origin);
    const std::uint64_t first = sequence;
    std::vector<StoredEvent> events;
    const bool ahead = one_in(4);
    if (ahead) now += 500;
    for (std::size_t count = below(30); count > 0; --count) {
      if (one_in(15)) now -= static_cast<std::int64_t>(below(40));
      now += static_cast<std::int64_t>(below(4));
      // Of those of one name no two have the same time: which is first is nobody's rule.
      const bool namesake = row > 0 && origin.source == "a";
      events.push_back(
          {kept, row, sequence, 8 * now + static_cast<std::int64_t>(namesake ? row : 0)});
      sequence += 1 + (one_in(5) ? below(5) : 0);
    }
    if (ahead) now -= 500;
    all_.insert(all_.end(), events.begin(), events.end());
    // The last one stays, so that somebody knows where the recorder wrote.
    const bool gone = one_in(6) && origin.source != "a";
    if (!gone) {
      write(store / to_file_name({origin.source, origin.tape_number, "20260804T210000Z"}),
            events,
            *kept,
            first,
            {});
    }
  }

  void copy_some(const std::vector<StoredEvent>& all) {
    std::vector<StoredEvent> events;
    const std::size_t sparse = 1 + below(3);
    for (std::size_t i = below(all.size() + 1); i < all.size() && !one_in(100); ++i)
      if (one_in(sparse)) events.push_back(all[i]);
    if (events.empty()) return;
    const bool inside = one_in(2);
    const auto path = (inside ? std::filesystem::path(*directories_.begin()) : directory_) /
                      ("x" + std::to_string(next_copy_++) + ".tape");
    if (!inside) outside_.push_back(path.string());
    write(path, events, *events.front().origin, 0, next_id());
  }

  void write(const std::filesystem::path& path,
             const std::vector<StoredEvent>& events,
             const Origin& origin,
             std::uint64_t first_sequence,
             const std::optional<Id128>& copy_of) {
    TapeHeader header;
    header.tape_id = next_id();
    header.origin = origin;
    header.copy_of = copy_of;
    header.first_sequence = first_sequence;
    header.clock.realtime = std::numeric_limits<std::int64_t>::min() / 2;
    if (!events.empty() && !copy_of) {
      header.clock.realtime = std::min_element(events.begin(), events.end(), [](auto& a, auto& b) {
                                return a.received < b.received;
                              })->received;
    }
    TapeOptions options;
    options.batch_bytes = 300 + below(1000);
    StringSink sink;
    TapeWriter writer(sink, header, options);
    for (const StoredEvent& event : events) {
      add(writer, event);
      there_.insert(key_of(event));
      if (one_in(20)) writer.end_group();
    }
    writer.end_group();
    if (!one_in(4)) writer.seal({}, 1);
    write_file(path, sink.text());
  }

  void add(TapeWriter& writer, const StoredEvent& stored) {
    batch_.clear();
    Event& event = decoder_.decode(
        R"({"conn_meta":{"id":"s1"},"payload":"Closed","when":"1970-01-01T00:00:00Z"})",
        Opcode::Text,
        batch_);
    event.origin = stored.origin;
    event.sequence = stored.sequence;
    event.received = stored.received;
    writer.add(event);
  }

  std::filesystem::path directory_;
  std::mt19937 random_;
  std::deque<Origin> origins_;
  std::vector<StoredEvent> all_;
  std::set<Key> there_;  // in some tape
  std::set<std::string> directories_;
  std::vector<std::string> outside_;
  std::size_t next_copy_ = 0;
  WireDecoder decoder_;
  EventBatch batch_;
};

}  // namespace smtptape::testing
