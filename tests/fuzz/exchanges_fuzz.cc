// Whatever is said: what comes out keeps its promises, and is the same when it comes byte for byte.
#include "smtp/exchanges.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "smtp/normal_reply.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using smtptape::SmtpExchange;
using smtptape::SmtpExchanges;

struct Told {
  std::vector<SmtpExchange> exchanges;
  bool was_lost = false;  // then how writes are split matters
};

void check(const SmtpExchange& exchange) {
  SMTPTAPE_CHECK(exchange.command.size() <= SmtpExchanges::kMostCommand);
  SMTPTAPE_CHECK(exchange.reply.text.size() <= SmtpExchanges::kMostReply + 1);
  const bool replied = exchange.kind == SmtpExchange::Kind::Command &&
                       exchange.answer == SmtpExchange::Answer::Reply;
  if (replied) SMTPTAPE_CHECK(exchange.reply.code != 0 && exchange.sent <= exchange.replied);
  if (exchange.step == smtptape::SmtpStep::Answer) SMTPTAPE_CHECK(exchange.command.empty());
  static_cast<void>(smtptape::normal_reply(exchange.reply.text));
}

class Dialogue {
 public:
  explicit Dialogue(std::size_t piece) : piece_(piece) {}

  // A letter that says what, and a text.
  void happen(std::string_view what) {
    ++at_;
    if (what.empty()) return;
    const char letter = what.front();
    what.remove_prefix(1);
    switch (letter) {
      case 'C':
      case 'S': say(letter, what); break;
      case 'K': smtp_.connected(at_); break;
      case 'X': smtp_.closed(at_); break;
      case 'O': smtp_.message_obtained(at_); break;
      case 'L': smtp_.lost_track(); break;
      case 'M': smtp_.begin_midway(); break;
      case 'A': smtp_.abbreviated_write(what, what.size() + 5, at_); break;
      case 'T': smtp_.write(what, what.size() + 5, at_); break;
      default: break;
    }
    take();
  }
  Told end() {
    smtp_.closed(++at_);
    take();
    SMTPTAPE_CHECK(smtp_.waiting().empty());
    return std::move(told_);
  }

 private:
  void say(char letter, std::string_view text) {
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, piece_);
      if (letter == 'C') smtp_.write(piece, piece.size(), at_);
      if (letter == 'S') smtp_.read(piece, at_);
      told_.was_lost = told_.was_lost || smtp_.is_lost();
      text.remove_prefix(piece.size());
    }
  }
  void take() {
    told_.was_lost = told_.was_lost || smtp_.is_lost() || smtp_.left_out() > 0;
    for (SmtpExchange& exchange : smtp_.take()) {
      check(exchange);
      told_.exchanges.push_back(std::move(exchange));
    }
  }

  std::size_t piece_;
  SmtpExchanges smtp_;
  smtptape::SmtpMark at_ = 0;
  Told told_;
};

// Events end at a NUL.
Told tell(std::string_view events, std::size_t piece) {
  Dialogue dialogue(piece);
  while (!events.empty()) {
    const std::size_t end = events.find('\0');
    dialogue.happen(events.substr(0, end));
    if (end == std::string_view::npos) break;
    events.remove_prefix(end + 1);
  }
  return dialogue.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view events(reinterpret_cast<const char*>(data), size);
  const Told whole = tell(events, std::string_view::npos);
  const Told bytes = tell(events, 1);
  if (whole.was_lost || bytes.was_lost) return 0;
  SMTPTAPE_CHECK(whole.exchanges.size() == bytes.exchanges.size());
  for (std::size_t i = 0; i < whole.exchanges.size(); ++i) {
    const SmtpExchange& a = whole.exchanges[i];
    const SmtpExchange& b = bytes.exchanges[i];
    SMTPTAPE_CHECK(a.kind == b.kind && a.step == b.step && a.answer == b.answer);
    SMTPTAPE_CHECK(a.command == b.command && a.bytes == b.bytes && a.early == b.early);
    SMTPTAPE_CHECK(a.reply.code == b.reply.code && a.reply.text == b.reply.text);
    SMTPTAPE_CHECK(a.sent == b.sent && a.replied == b.replied);
  }
  return 0;
}
