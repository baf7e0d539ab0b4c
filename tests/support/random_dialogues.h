// Sessions as mail servers have them with KumoMTA, from a seed: frames of the feed, interleaved.
//
// With and without PIPELINING, several messages and recipients, refusals at every step, LMTP,
// messages in chunks, connections that break off or are made again under the same id.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace smtptape::testing {

class RandomDialogues {
 public:
  explicit RandomDialogues(std::uint32_t seed) : random_(seed) {}

  // `at_once` sessions interleaved, each line a frame; the clock goes on by up to 20 ms a frame.
  std::vector<std::string> frames(std::size_t sessions, std::size_t at_once) {
    std::vector<std::deque<std::string>> open;
    std::vector<std::string> all;
    std::size_t begun = 0;
    while (begun < sessions || !open.empty()) {
      while (begun < sessions && open.size() < at_once)
        open.push_back(session(begun++));
      const std::size_t which = below(open.size());
      all.push_back(stamped(open[which].front()));
      open[which].pop_front();
      if (open[which].empty()) open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    }
    return all;
  }

  std::size_t below(std::size_t most) { return random_() % most; }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  using Frames = std::deque<std::string>;

  // The time comes when it is its turn.
  std::string stamped(const std::string& frame) {
    now_ += 1 + below(20);
    char when[40];
    std::snprintf(when,
                  sizeof(when),
                  "2026-08-04T21:%02zu:%02zu.%03zuZ",
                  static_cast<std::size_t>(now_ / 60'000 % 60),
                  static_cast<std::size_t>(now_ / 1000 % 60),
                  static_cast<std::size_t>(now_ % 1000));
    return frame + R"(,"when":")" + when + "\"}";
  }

  Frames session(std::size_t number) {
    frames_.clear();
    char id[40];
    std::snprintf(id, sizeof(id), "%08zx-0000-4000-8000-%012zx", below(1U << 31), number);
    id_ = id;
    host_ = "mx" + std::to_string(below(4)) + ".p" + std::to_string(below(5)) + ".example.";
    message_.clear();
    connection_.clear();
    payload(R"("BeginSession")");
    if (one_in(12)) {
      inform("Attempting connection to 198.51.100.9:25");
      error("connect: refused");
      return frames_;
    }
    connection();
    if (one_in(8)) {
      host_ = "mx9.p1.example.";
      connection();
    }
    return frames_;
  }

  void connection() {
    inform("Attempting connection to 198.51.100.7:25");
    connection_ = R"("mx_address":"198.51.100.7:25","mx_host":")" + host_ +
                  R"(","source_address":"192.0.2.)" + std::to_string(1 + below(3)) + R"(:4711",)";
    payload(R"("Connected")");
    lmtp_ = one_in(8);
    pipelining_ = !one_in(3);
    dialogue();
    if (!one_in(15)) payload(R"("Closed")");
    if (one_in(6)) error("the connection was lost");
  }

  void dialogue() {
    if (one_in(15)) return;
    if (one_in(15)) return read(one_in(2) ? "554 go away" : "421 too many");
    read(lmtp_ ? "220 mx LMTP ready" : "220-mx\r\n220 ready");
    write(lmtp_ ? "LHLO out" : "EHLO out");
    if (one_in(20)) return read("502 what");
    read("250-mx\r\n250-STARTTLS\r\n250 PIPELINING");
    if (one_in(2)) tls();
    for (std::size_t messages = below(4); messages > 0; --messages) {
      if (!message()) return;
    }
    if (one_in(3)) return;
    write("QUIT");
    read("221 bye");
  }

  void tls() {
    write("STARTTLS");
    read("220 go");
    if (one_in(6)) {
      inform("STARTTLS handshake failed: no");
      return;
    }
    inform(
        R"(STARTTLS handshake -> TlsInformation { cipher: \"X\", protocol_version: \"TLSv1_3\", subject_name: [], authenticated: false })");
    write(lmtp_ ? "LHLO out" : "EHLO out");
    read("250 mx");
  }

  static std::string refusal(std::size_t choice) {
    return choice == 0 ? "450 4.2.1 later" : "550 5.1.1 never";
  }

  // False: the connection is over.
  bool message() {
    const std::size_t recipients = 1 + (one_in(3) ? below(4) : 0);
    message_ = R"("domain":"d.example","message_id":"m)" + std::to_string(++messages_) +
               R"(","recipient":[)";
    for (std::size_t i = 0; i < recipients; ++i)
      message_ += (i > 0 ? "," : "") + std::string("\"u") + std::to_string(i) + "@d.example\"";
    message_ += R"(],"sender":"s@a.example","tenant":"t)" + std::to_string(below(3)) + "\",";
    payload(R"("MessageObtained")");
    if (one_in(20)) return false;
    std::vector<std::string> replies;
    const bool sender_refused = one_in(10);
    replies.push_back(sender_refused ? refusal(below(2)) : "250 ok");
    std::size_t taken = 0;
    for (std::size_t i = 0; i < recipients; ++i) {
      const bool refused = sender_refused || one_in(5);
      replies.push_back(refused ? refusal(below(2)) : "250 ok");
      taken += refused ? 0 : 1;
    }
    const bool data_taken = (taken > 0 && !one_in(12)) || (taken == 0 && one_in(6));
    replies.push_back(data_taken ? "354 go" : refusal(below(2)));
    return pipelining_ ? pipelined(recipients, replies, taken) : stepwise(replies, taken);
  }

  bool pipelined(std::size_t recipients,
                 const std::vector<std::string>& replies,
                 std::size_t taken) {
    write("MAIL FROM:<s@a.example>");
    for (std::size_t i = 0; i < recipients; ++i)
      write("RCPT TO:<u" + std::to_string(i) + "@d.example>");
    write("DATA");
    if (one_in(25)) return false;
    std::string together;
    for (const std::string& reply : replies) {
      together += (together.empty() ? "" : "\r\n") + reply;
      if (!one_in(3)) continue;
      read(together);
      together.clear();
    }
    if (!together.empty()) read(together);
    return replies.back().starts_with("354") ? body(taken) : reset();
  }

  bool stepwise(const std::vector<std::string>& replies, std::size_t taken) {
    write("MAIL FROM:<s@a.example>");
    read(replies[0]);
    if (!replies[0].starts_with("250")) return reset();
    for (std::size_t i = 1; i + 1 < replies.size(); ++i) {
      write("RCPT TO:<u" + std::to_string(i - 1) + "@d.example>");
      if (one_in(40)) return false;
      read(replies[i]);
    }
    if (taken == 0) return reset();
    write("DATA");
    read(replies.back());
    return replies.back().starts_with("354") ? body(taken) : reset();
  }

  bool body(std::size_t taken) {
    write("Subject: x");
    write("");
    if (one_in(25)) return false;
    write("hello\r\n.");
    if (one_in(25)) return false;
    for (std::size_t i = 0; i < (lmtp_ ? taken : 1); ++i)
      read(one_in(6) ? refusal(below(2)) : "250 queued");
    return true;
  }

  bool reset() {
    if (one_in(4)) return false;
    write("RSET");
    read("250 reset");
    return true;
  }

  void inform(const std::string& text) {
    payload(R"({"Diagnostic":{"level":"INFO","message":")" + text + "\"}}");
  }
  void error(const std::string& text) {
    payload(R"({"Diagnostic":{"level":"ERROR","message":")" + text + "\"}}");
  }
  void write(const std::string& line) { payload(R"({"Write":")" + escaped(line) + "\"}"); }
  void read(const std::string& lines) { payload(R"({"Read":")" + escaped(lines) + "\"}"); }
  static std::string escaped(const std::string& lines) {
    std::string out;
    for (const char c : lines)
      out += c == '\r' ? "\\r" : c == '\n' ? "\\n" : std::string(1, c);
    return out + "\\r\\n";
  }

  // The keys stand in their order.
  void payload(const std::string& json) {
    std::string meta = R"({"conn_meta":{)";
    const std::size_t domain_end = message_.find(',');
    if (!message_.empty()) meta += message_.substr(0, domain_end + 1);
    meta += R"("egress_pool":"pool","egress_source":"src","id":")" + id_ + "\",";
    const std::size_t recipient = message_.find(R"("recipient")");
    if (!message_.empty()) meta += message_.substr(domain_end + 1, recipient - domain_end - 1);
    const std::size_t source = connection_.find(R"("source_address")");
    if (!connection_.empty()) meta += connection_.substr(0, source);
    meta += R"("ready_queue_name":"q",)";
    std::size_t tenant = message_.find(R"("tenant")");
    if (!message_.empty()) meta += message_.substr(recipient, tenant - recipient);
    if (!connection_.empty()) meta += connection_.substr(source);
    if (!message_.empty()) meta += message_.substr(tenant);
    meta.pop_back();
    frames_.push_back(meta + R"(},"payload":)" + json);
  }

  std::mt19937 random_;
  Frames frames_;
  std::string id_;
  std::string host_;
  std::string connection_;  // members of the metadata
  std::string message_;
  bool lmtp_ = false;
  bool pipelining_ = true;
  std::size_t messages_ = 0;
  std::uint64_t now_ = 0;  // ms
};

}  // namespace smtptape::testing
