// Tapes of a few frames, redacted, and all that a reader can see of what came out.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "share/redact/redact_tape.h"
#include "tests/share/redact/planted.h"

namespace smtptape::testing {

// `cut`: numbers of events, from 1, of whose texts a recorder left out the end.
inline void write_tape(const std::vector<std::string>& frames,
                       TemporaryFile& to,
                       const Origin& origin,
                       const std::set<std::uint64_t>& cut = {}) {
  TapeHeader header;
  header.tape_id.bytes[0] = 7;
  header.origin = origin;
  TapeOptions options;
  options.group_bytes = 64 << 10;
  TapeWriter writer(to, header, options);
  WireDecoder decoder;
  EventBatch batch;
  std::uint64_t sequence = 0;
  for (const std::string& frame : frames) {
    Event& event = decoder.decode(batch.arena.copy(frame), Opcode::Text, batch);
    event.sequence = ++sequence;
    event.received = static_cast<std::int64_t>(sequence) * 1'000'000;
    if (cut.contains(sequence)) {
      event.trimmed = true;
      event.length = event.text.size() + 100;
    }
    writer.add(event);
  }
  Ledger ledger;
  ledger.received = sequence;
  writer.seal(ledger, 5);
}

inline Origin origin_named(std::string source) {
  Origin origin;
  origin.capture.bytes[0] = 1;
  origin.source = std::move(source);
  return origin;
}

inline RedactedTape redacted(const TemporaryFile& original,
                             const RedactionRules& rules = {},
                             const std::optional<PseudonymKey>& key = PseudonymKey{1}) {
  TapeHeader fresh;
  fresh.writer = "test";
  const auto learned = std::make_shared<Learned>();
  learned->rules = rules;
  learn(*original.read(), *learned);
  return redact_tape(original, learned, key, fresh, {});
}

// Everything that a reader can see of a tape.
struct Seen {
  std::vector<Event> events;
  EventBatch all;
  std::string text;

  explicit Seen(const TemporaryFile& tape) {
    const auto source = tape.read();
    TapeReader reader(*source, "test");
    EventBatch batch;
    while (reader.next(batch)) {
      for (Event event : batch.events) {
        event.text = all.arena.copy(event.text);
        event.level = all.arena.copy(event.level);
        all.pins.emplace_back(std::make_shared<MetaPtr>(event.meta));
        add(event);
        events.push_back(event);
      }
      for (const Note& note : batch.notes)
        text += note.key + "=" + note.value + "\n";
      for (const Gap& gap : batch.gaps)
        text += gap.detail + "\n";
    }
    EXPECT_EQ(reader.end(), TapeEnd::Sealed);
    text += reader.header()->origin.source + "\n" + reader.header()->url + "\n";
    for (const Note& note : reader.footer()->notes)
      text += note.key + "=" + note.value + "\n";
    text += client + "\n" + server + "\n" + without_breaks(client) + "\n" + without_breaks(server);
  }

  std::string client;
  std::string server;

 private:
  void add(const Event& event) {
    if (event.origin != nullptr) text += event.origin->source + "\n";
    if (event.meta != nullptr) text += std::string(event.meta->text()) + "\n";
    text += std::string(event.level) + " " + std::string(event.text) + "\n";
    if (event.verbatim != nullptr) text += std::string(event.verbatim->frame);
    (event.kind == EventKind::Read ? server : client) += event.text;
  }
  static std::string without_breaks(const std::string& lines) {
    std::string joined;
    for (std::size_t at = 0; at < lines.size();) {
      std::size_t end = lines.find("\r\n", at);
      if (end == std::string::npos) end = lines.size();
      std::string line = lines.substr(at, end - at);
      if (line.size() > 10 && (line[3] == '-' || line[3] == ' ') && line[5] == '.')
        line.erase(0, 10);
      joined += line;
      at = end + 2;
    }
    return joined;
  }
};

inline std::string lower(std::string text) {
  return folded(text);
}

// How it may be spelled, so far as that is a text to look for.
inline std::vector<std::string> spellings_of(const std::string& secret) {
  std::vector<std::string> all{lower(secret),
                               lower(escaped(secret, "%", true)),
                               lower(escaped(secret, "%", false)),
                               lower(escaped(secret, "=", true)),
                               lower(escaped(secret, "", true))};
  std::string escapes;
  for (const char c : secret)
    escapes += std::string(c == '"' || c == '\\' ? "\\" : "") + c;
  all.push_back(lower(escapes));
  for (std::size_t before = 0; before < 3; ++before) {
    // What depends on nothing that stands around it.
    const std::string digits = base64_of(std::string(before, 'x') + secret);
    const std::size_t from = before == 0 ? 0 : 4;
    const std::size_t to = (before + secret.size()) / 3 * 4;
    all.push_back(digits.substr(from, to - from));
  }
  return all;
}

inline void expect_nothing_left(const Seen& seen, const std::vector<std::string>& secrets) {
  const std::string low = lower(seen.text);
  for (const std::string& secret : secrets) {
    for (const std::string& spelling : spellings_of(secret)) {
      EXPECT_EQ(low.find(spelling), std::string::npos) << secret << " as " << spelling;
      EXPECT_EQ(seen.text.find(spelling), std::string::npos) << secret << " as " << spelling;
    }
  }
}

// A session in which both sides say these texts, torn into pieces of so many bytes.
inline std::vector<std::string> frames_of(const std::vector<std::pair<char, std::string>>& said,
                                          std::size_t piece,
                                          const std::string& more_meta = "") {
  std::vector<std::string> frames;
  const std::string head =
      R"({"conn_meta":{"id":"s","mx_host":"mx.provider.test")" + more_meta + R"(},"payload":)";
  const std::string tail = R"(,"when":"2026-08-04T21:00:00Z"})";
  frames.push_back(head + R"("Connected")" + tail);
  for (const auto& [who, text] : said) {
    for (std::size_t at = 0; at < text.size(); at += piece) {
      std::string json;
      append_json_string(json, std::string_view(text).substr(at, piece));
      frames.push_back(head + (who == 'C' ? R"({"Write":)" : R"({"Read":)") + json + "}" + tail);
    }
  }
  return frames;
}

// A session in which both sides say these texts, redacted; null: something would be left.
class Dialogue {
 public:
  using Said = std::vector<std::pair<char, std::string>>;
  explicit Dialogue(const Said& said,
                    const RedactionRules& rules = {},
                    std::size_t piece = 1000,
                    const std::string& more_meta = "") {
    write_tape(frames_of(said, piece, more_meta), original_, origin_named("node"));
    result_ = redacted(original_, rules);
  }
  [[nodiscard]] bool leaks() const { return result_.tape == nullptr; }
  [[nodiscard]] const RedactedTape& result() const { return result_; }
  [[nodiscard]] std::string where() const {
    return result_.report.leaks.empty() ? "" : result_.report.leaks[0].where;
  }
  [[nodiscard]] Seen seen() const { return Seen(*result_.tape); }

 private:
  TemporaryFile original_;
  RedactedTape result_;
};

}  // namespace smtptape::testing
