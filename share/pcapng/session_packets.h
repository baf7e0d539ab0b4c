// One session's events as packets of its connections, one after another.
//
// What has no packet of its own, metadata and what KumoMTA said, waits and becomes comments of the
// next one.  A connection ends with the session's next event behind Closed: that is the error, if
// there was one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "share/pcapng/packet_file.h"

namespace smtptape {

// What became of a session.
struct PacketedSession {
  bool any = false;  // it has packets
};

// For GatheredSessions.
class SessionPackets {
 public:
  static constexpr std::size_t kMostWaiting = 16;  // comments
  static constexpr std::size_t kMostComment = PcapngWriter::kMostComment;
  static constexpr std::uint32_t kMostMissing = 1U << 30U;  // bytes that a stream lacks at once

  // `file` outlives it.
  SessionPackets(std::string id, PacketFile& file);

  void add(const Event& event);
  void add_gaps(std::string_view what, std::uint64_t count);
  void note_gaps(std::string_view what, std::uint64_t count) { add_gaps(what, count); }
  [[nodiscard]] PacketedSession finish();
  [[nodiscard]] bool is_closed() const {
    return (!connected_ || closing_) && attempts_ > 0 && !attempt_;
  }

 private:
  struct Attempt {
    std::string target;
    std::int64_t at = 0;
  };
  struct StartTls {
    std::string text;
    std::int64_t at = 0;
  };
  enum class Side : std::uint8_t { Client, Server };
  enum class Handshake : bool { Missing, Seen };

  void take_meta(const Event& event);
  void take_payload(const Event& event);
  void attempt(std::string_view target);
  void diagnose(const Event& event);
  void fail(std::string_view why);
  void connect(const Event& event);
  void join(const Event& event);
  void open(std::string_view source, std::string_view mx, Handshake handshake, std::int64_t syn_at);
  void write(const Event& event);
  void read(const Event& event);
  void close();
  void end_connection(bool failed);
  void send_held();
  void send(Side side, std::string_view text, std::int64_t at);
  void leave_out(TcpEnd& end, std::uint64_t bytes);
  void put(Side side, TcpFlags flags, std::int64_t at, std::string_view text = {});
  void comment(std::string text);
  void flush_comments();

  PacketFile* file_;
  std::uint32_t interface_ = 0;
  std::int64_t now_ = 0;
  MetaPtr meta_;
  std::string source_;  // addresses of the connection, as the metadata has them
  std::string mx_;
  std::optional<Attempt> attempt_;
  std::optional<StartTls> held_;  // until its reply
  TcpEnds ends_;
  bool has_ends_ = false;   // there are packets of them
  bool connected_ = false;  // and more may come
  bool closing_ = false;    // but for its end
  bool quit_ = false;
  bool any_ = false;
  std::uint64_t attempts_ = 0;
  std::vector<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t left_out_ = 0;  // comments
};

}  // namespace smtptape
