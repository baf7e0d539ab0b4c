#include "share/pcapng/session_packets.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/counted.h"
#include "base/time_spec.h"
#include "format/attempts.h"
#include "sessions/kumo_words.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kSmtp = 25;
constexpr std::uint16_t kSubmission = 587;

std::int64_t nanos_of(WallTime time) {
  return to_unix_nanos(time).value_or(time.seconds < 0 ? 0
                                                       : std::numeric_limits<std::int64_t>::max());
}

bool is_starttls(std::string_view text) {
  constexpr std::string_view kCommand = "STARTTLS";
  return text.size() <= kCommand.size() + 2 && same_word(without_line_end(text), kCommand);
}

// What of the metadata is new.
std::string news_of(const Meta& meta, const Meta* before) {
  std::string text;
  for (const Meta::Entry& entry : meta.entries()) {
    const auto known = before == nullptr ? std::nullopt : before->find(entry.key);
    if (known && Meta::same_value(*known, entry.json)) continue;
    if (text.size() > SessionPackets::kMostComment) break;
    text.append(text.empty() ? "" : ", ")
        .append(entry.key)
        .append(" ")
        .append(entry.json.substr(0, SessionPackets::kMostComment));
  }
  return text;
}

}  // namespace

SessionPackets::SessionPackets(std::string id, PacketFile& file) : file_(&file) {
  comment("session " + std::move(id));
}

void SessionPackets::add(const Event& event) {
  const std::uint32_t interface = file_->turn_to(event);
  if (!any_) interface_ = interface;
  const bool known =
      event.kind != EventKind::Unknown || (event.verbatim != nullptr && event.verbatim->when_known);
  now_ = known ? nanos_of(event.when) : std::max(now_, event.received);
  if (closing_ && event.kind != EventKind::Diagnostic) end_connection(false);
  take_meta(event);
  take_payload(event);
}

void SessionPackets::take_meta(const Event& event) {
  if (event.meta == nullptr || (meta_ != nullptr && meta_->serial() == event.meta->serial()))
    return;
  const std::string news = news_of(*event.meta, meta_.get());
  if (!news.empty()) comment(news);
  meta_ = event.meta->kept();
}

void SessionPackets::take_payload(const Event& event) {
  switch (event.kind) {
    case EventKind::BeginSession:
    case EventKind::MessageObtained: return;
    case EventKind::Connected: return connect(event);
    case EventKind::Closed: return close();
    case EventKind::Read: return read(event);
    case EventKind::Write:
    case EventKind::AbbreviatedWrite: return write(event);
    case EventKind::Diagnostic: return diagnose(event);
    case EventKind::Unknown: return comment("here was a frame that can't be read");
  }
}

void SessionPackets::add_gaps(std::string_view what, std::uint64_t count) {
  std::string text = "events of this session may be missing: " + std::string(what);
  if (count > 1) text += ", and " + counted(count - 1, "gap") + " more";
  comment(std::move(text));
}

PacketedSession SessionPackets::finish() {
  if (attempt_) fail("nothing more of this attempt was recorded");
  if (connected_ && !closing_) comment("nothing more of this connection was recorded");
  if (closing_) end_connection(false);
  send_held();
  flush_comments();
  file_->give_back(waiting_bytes_);
  waiting_.clear();
  waiting_bytes_ = 0;
  return {any_};
}

// ---- connections ----

void SessionPackets::diagnose(const Event& event) {
  const bool error = event.level == "ERROR" && !is_harmless_error(event.text);
  if (closing_ && !error) end_connection(false);
  if (!is_harmless_error(event.text))
    comment(show_time(now_) + " " + std::string(event.level) + " " +
            std::string(event.text.substr(0, kMostComment)));
  if (const auto target = attempted_target(event.text)) return attempt(*target);
  if (!error) return;
  if (closing_) return end_connection(true);
  if (attempt_) fail(event.text);
}

void SessionPackets::attempt(std::string_view target) {
  if (attempt_) fail("nothing more of this attempt was recorded");
  if (connected_) end_connection(false);
  ++attempts_;
  attempt_ = Attempt{std::string(target.substr(0, kMostComment)), now_};
}

// Nobody answered, or said no.
void SessionPackets::fail(std::string_view why) {
  const Attempt attempt = *std::exchange(attempt_, std::nullopt);
  ends_ = file_->ends.open({}, attempt.target, true);
  has_ends_ = true;
  ++file_->connections;
  comment("made up: " + ends_.made_up);
  put(Side::Client, TcpFlags::Syn, attempt.at);
  const bool refused = why.find("Connection refused") != std::string_view::npos;
  comment("this connection failed");
  put(refused ? Side::Server : Side::Client, TcpFlags::RstAck, now_);
  file_->ends.close(ends_);
}

void SessionPackets::connect(const Event& event) {
  if (connected_) end_connection(false);
  if (!attempt_) ++attempts_;
  const std::int64_t syn_at = attempt_ ? attempt_->at : now_;
  attempt_.reset();
  const std::string source = event.meta == nullptr ? "" : meta_text(*event.meta, "source_address");
  const std::string mx = event.meta == nullptr ? "" : meta_text(*event.meta, "mx_address");
  open(source, mx, Handshake::Seen, syn_at);
}

// What only comes over a connection: one whose beginning was not seen, unless it goes on.
void SessionPackets::join(const Event& event) {
  const std::string source = event.meta == nullptr ? "" : meta_text(*event.meta, "source_address");
  const std::string mx = event.meta == nullptr ? "" : meta_text(*event.meta, "mx_address");
  if (connected_ && source == source_ && mx == mx_) return;
  if (connected_) {
    send_held();
    connected_ = false;
    file_->ends.close(ends_);
  }
  if (attempt_) {
    attempt_.reset();
  } else {
    ++attempts_;
  }
  comment("the beginning of this connection was not recorded");
  open(source, mx, Handshake::Missing, now_);
}

void SessionPackets::open(std::string_view source,
                          std::string_view mx,
                          Handshake handshake,
                          std::int64_t syn_at) {
  const bool seen = handshake == Handshake::Seen;
  source_ = source;
  mx_ = mx;
  ends_ = file_->ends.open(source, mx, seen);
  has_ends_ = connected_ = true;
  closing_ = quit_ = false;
  ++file_->connections;
  const std::uint16_t port = ends_.server.port;
  if (port != kSmtp && port != kSubmission && file_->ports.size() < PacketFile::kMostPorts)
    file_->ports.insert(port);
  if (!ends_.made_up.empty()) comment("made up: " + ends_.made_up);
  if (!seen) return;
  put(Side::Client, TcpFlags::Syn, std::min(syn_at, now_));
  put(Side::Server, TcpFlags::SynAck, now_);
  put(Side::Client, TcpFlags::Ack, now_);
}

void SessionPackets::close() {
  if (!connected_) return;
  send_held();
  closing_ = true;
  if (quit_) end_connection(false);
}

void SessionPackets::end_connection(bool failed) {
  send_held();
  connected_ = closing_ = false;
  if (failed) {
    put(Side::Client, TcpFlags::RstAck, now_);
  } else {
    put(Side::Client, TcpFlags::FinAck, now_);
    put(Side::Server, TcpFlags::FinAck, now_);
    put(Side::Client, TcpFlags::Ack, now_);
  }
  file_->ends.close(ends_);
}

// ---- what they say ----

void SessionPackets::write(const Event& event) {
  join(event);
  send_held();
  if (event.masked) comment("bytes of it were overwritten when it was recorded");
  if (is_starttls(event.text)) {
    held_ = StartTls{std::string(event.text), now_};
    return;
  }
  quit_ = quit_ || has_verb(event.text, "QUIT");
  const std::uint64_t missing = full_length(event) - event.text.size();
  if (missing > 0) comment("behind it " + counted(missing, "byte") + " were not recorded");
  send(Side::Client, event.text, now_);
  leave_out(ends_.client, missing);
}

void SessionPackets::read(const Event& event) {
  join(event);
  send(Side::Server, event.text, now_);
  if (!held_ || !event.text.ends_with('\n')) return;
  comment("put behind its reply, so that the dialogue is not taken for TLS");
  send_held();
}

void SessionPackets::send_held() {
  if (!held_) return;
  const StartTls command = *std::exchange(held_, std::nullopt);
  send(Side::Client, command.text, command.at);
}

void SessionPackets::send(Side side, std::string_view text, std::int64_t at) {
  while (!text.empty()) {
    put(side, TcpFlags::Data, at, text.substr(0, kMostSegment));
    text.remove_prefix(std::min(text.size(), kMostSegment));
  }
}

void SessionPackets::leave_out(TcpEnd& end, std::uint64_t bytes) {
  end.next += static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kMostMissing));
}

void SessionPackets::put(Side side, TcpFlags flags, std::int64_t at, std::string_view text) {
  const bool client = side == Side::Client;
  TcpEnd& from = client ? ends_.client : ends_.server;
  const std::string bytes = tcp_packet(from, client ? ends_.server : ends_.client, flags, text);
  PcapngPacket packet{interface_, at, client, bytes, std::exchange(waiting_, {}), 0};
  file_->give_back(std::exchange(waiting_bytes_, 0));
  const std::uint64_t left_out = std::exchange(left_out_, 0);
  if (left_out > 0) packet.comments.push_back(counted(left_out, "comment") + " more left out");
  any_ = true;
  file_->write(std::move(packet));
}

// ---- comments ----

void SessionPackets::comment(std::string text) {
  if (text.size() > kMostComment) text.resize(kMostComment);
  if (waiting_.size() >= kMostWaiting || !file_->hold(text.size())) {
    ++left_out_;
    return;
  }
  waiting_bytes_ += text.size();
  waiting_.push_back(std::move(text));
}

// What was said behind the last packet; of no connection there is none.
void SessionPackets::flush_comments() {
  if (has_ends_ && !waiting_.empty()) put(Side::Client, TcpFlags::Ack, now_);
}

}  // namespace smtptape
