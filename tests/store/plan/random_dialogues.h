// Tapes with sessions as they come in a night, from a seed: replies of every kind, several
// connections under one id, silence within a session, pieces of text cut anywhere, groups and tapes
// that end within a session, gaps, tapes without an end.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "filters/property.h"
#include "format/tape/tape_writer.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "tests/support/program.h"

namespace smtptape::testing {

class RandomDialogues {
 public:
  RandomDialogues(const std::filesystem::path& directory, std::uint32_t seed)
      : directory_(directory), random_(seed) {
    for (std::size_t count = 4 + below(20); count > 0; --count)
      sessions_.push_back(some_session());
    record();
  }

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  std::size_t below(std::size_t most) { return random_() % most; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Value, std::size_t N>
  const Value& one_of(const std::array<Value, N>& values) {
    return values[below(N)];
  }

 private:
  struct Told {
    std::string meta;  // members behind the id
    std::string payload;
    bool after_silence = false;
  };
  struct Session {
    std::string id;
    std::deque<Told> events;
  };

  static std::string json(const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
  }

  Session some_session() {
    Session session;
    session.id = "session" + std::to_string(sessions_.size());
    told_ = &session.events;
    meta_ = R"("egress_pool":"pool)" + std::to_string(below(2)) + '"';
    if (!one_in(8)) tell(R"("BeginSession")");
    for (std::size_t attempts = one_in(3) ? 1 + below(3) : 1; attempts > 0; --attempts)
      attempt();
    while (one_in(6) && !session.events.empty())
      session.events.pop_back();
    while (one_in(8) && session.events.size() > 2)
      session.events.pop_front();
    return session;
  }

  void tell(const std::string& payload) { told_->push_back({meta_, payload, one_in(60)}); }
  void log(const std::string& level, const std::string& message) {
    tell(R"({"Diagnostic":{"level":")" + level + R"(","message":)" + json(message) + "}}");
  }
  // In pieces.
  void text(const char* kind, std::string all) {
    while (!all.empty()) {
      const std::size_t size = one_in(3) ? 1 + below(all.size()) : all.size();
      tell(R"({")" + std::string(kind) + R"(":)" + json(all.substr(0, size)) + "}");
      all.erase(0, size);
    }
  }
  void read(const std::string& reply) { text("Read", reply + "\r\n"); }
  void write(const std::string& command) { text("Write", command + "\r\n"); }

  std::string some_reply(const std::string& good) {
    static const std::array<std::string, 7> kBad{"421 4.7.0 try later",
                                                 "450 4.2.1 the mailbox is busy",
                                                 "451-4.7.650 the mail server\r\n451 has been told",
                                                 "550 5.1.1 no such user",
                                                 "554 5.7.1 Blocked by a List",
                                                 "535 5.7.8 no",
                                                 "no reply at all"};
    if (one_in(7)) return one_of(kBad);
    return one_in(4) ? good.substr(0, 3) + "-first line\r\n" + good : good;
  }

  void attempt() {
    if (one_in(5)) log("INFO", "Connection rate throttled for 5s");
    log("INFO", "Attempting connection to 10.0.0.1:25");
    if (one_in(5)) return log("ERROR", "connection refused");
    tell(R"("Connected")");
    if (one_in(12)) return end();
    read(some_reply("220 mx.example ESMTP"));
    write("EHLO me.example");
    read(some_reply("250-mx.example\r\n250-STARTTLS\r\n250 8BITMIME"));
    if (one_in(3)) encrypt();
    for (std::size_t messages = below(3); messages > 0; --messages)
      message();
    if (!one_in(3)) {
      write("QUIT");
      if (!one_in(4)) read("221 bye");
    }
    end();
  }
  void end() {
    if (!one_in(10)) tell(R"("Closed")");
    if (one_in(8)) log("ERROR", "the end of it");
  }

  void encrypt() {
    write("STARTTLS");
    read("220 go ahead");
    static const std::array<std::string, 3> kEnds{
        R"(STARTTLS handshake failed: "no")",
        R"(STARTTLS handshake -> Handshake { protocol_version: "TLSv1.2", cipher: "c" })",
        R"(STARTTLS handshake -> Handshake { protocol_version: "TLSv1.3", cipher: "c" })"};
    log("INFO", one_of(kEnds));
  }

  void message() {
    const std::string kept = meta_;
    if (!one_in(6)) {
      meta_ += R"(,"tenant":"t)" + std::to_string(below(4)) + R"(","message_id":"m)" +
               std::to_string(below(40)) + R"(","recipient":["r)" + std::to_string(below(6)) + '"';
      if (one_in(3)) meta_ += R"(,"r)" + std::to_string(below(6)) + '"';
      meta_ += ']';
    }
    tell(R"("MessageObtained")");
    write("MAIL FROM:<a@b.example>");
    read(some_reply("250 2.1.0 ok"));
    for (std::size_t recipients = 1 + below(2); recipients > 0; --recipients) {
      write("RCPT TO:<r" + std::to_string(below(6)) + ">");
      read(some_reply("250 2.1.5 ok"));
    }
    write("DATA");
    if (!one_in(8)) {
      read("354 go ahead");
      text("Write", "Subject: Hello " + std::to_string(below(3)) + "\r\n\r\nWords\r\n.\r\n");
      if (!one_in(10)) read(some_reply("250 2.0.0 queued"));
    } else {
      read("554 5.5.1 no valid recipients");
    }
    if (one_in(2)) meta_ = kept;
  }

  // ---- tapes ----

  void record() {
    std::uint64_t number = 1;
    const Id128 capture = random_id();
    while (any_left())
      write_tape({capture, one_in(4) ? "b" : "a", number++, false});
  }
  [[nodiscard]] bool any_left() const {
    for (const Session& session : sessions_)
      if (!session.events.empty()) return true;
    return false;
  }

  void write_tape(const Origin& origin) {
    TapeHeader header;
    header.tape_id = random_id();
    header.origin = origin;
    header.origin.source = "a";
    header.layout = one_in(2) ? Layout::TwoFrames : Layout::Interleaved;
    header.first_sequence = sequence_ + 1;
    header.clock.realtime = now_;
    TapeOptions options;
    options.batch_bytes = 300 + below(4000);
    for (const Property& property : kProperties)
      options.indexed_keys.emplace_back(property.meta_key);
    StringSink sink;
    TapeWriter writer(sink, header, options);
    for (std::size_t count = 20 + below(200); count > 0 && any_left(); --count) {
      add_next(writer);
      if (one_in(40)) writer.end_group();
    }
    writer.end_group();
    if (!any_left() && one_in(4)) {
      // Without its end.
    } else {
      writer.seal({}, 1);
    }
    const std::string name = "a" + std::to_string(origin.tape_number) + ".tape";
    write_file(directory_ / name, sink.text());
    names_.push_back((directory_ / name).string());
  }

  // A few sessions are open at a time.
  void add_next(TapeWriter& writer) {
    std::size_t place = first_open_ + below(6);
    while (first_open_ < sessions_.size() && sessions_[first_open_].events.empty())
      ++first_open_;
    if (place >= sessions_.size() || sessions_[place].events.empty()) place = first_open_;
    if (place >= sessions_.size()) return;
    Session& session = sessions_[place];
    const Told told = session.events.front();
    session.events.pop_front();
    now_ += static_cast<std::int64_t>(below(40'000'000));
    if (told.after_silence) now_ += 7'000'000'000;
    if (one_in(200)) {  // it is lost
      Gap gap;
      gap.cause = GapCause::Oversize;
      gap.count = 1;
      gap.after_sequence = sequence_++;
      gap.from = gap.until = now_;
      return writer.add(gap);
    }
    std::string frame = R"({"conn_meta":{"id":)" + json(session.id) + "," + told.meta +
                        R"(},"payload":)" + told.payload + R"(,"when":")";
    append_wire_time(frame, from_unix_nanos(now_));
    frame += "\"}";
    batch_.clear();
    Event& event = decoder_.decode(frame, Opcode::Text, batch_);
    event.sequence = ++sequence_;
    event.received = now_ + 1'000'000;
    writer.add(event);
  }

  std::filesystem::path directory_;
  std::mt19937 random_;
  std::vector<Session> sessions_;
  std::size_t first_open_ = 0;
  std::vector<std::string> names_;
  std::deque<Told>* told_ = nullptr;
  std::string meta_;
  std::uint64_t sequence_ = 0;
  std::int64_t now_ = 1'785'877'200'000'000'000;  // 2026-08-04T21:00:00Z
  WireDecoder decoder_;
  EventBatch batch_;
};

}  // namespace smtptape::testing
