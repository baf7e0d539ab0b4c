#include "share/swaks/swaks_session.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "filters/ip.h"
#include "filters/masks.h"
#include "sessions/kumo_words.h"
#include "smtp/levels.h"
#include "smtp/spellings.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostRecipients = 100;
constexpr std::size_t kMostUser = 512;    // bytes
constexpr std::size_t kMostQuoted = 400;  // bytes of what a comment quotes
constexpr std::string_view kSmtpPort = "25";

// What there is to be repeated.
struct Dialogue {
  std::size_t attempt = 0;
  const StoryExchange* failed = nullptr;  // null: the connection failed
  SmtpStep last = SmtpStep::Banner;       // how far it came
  std::string_view hello;                 // the command; empty: none was sent
  bool starttls = false;
  std::string_view auth;  // its mechanism
  const SmtpExchange* mail = nullptr;
  std::vector<const SmtpExchange*> recipients;
  bool pipelined = false;
  std::uint64_t message_bytes = 0;
};

struct Server {
  std::string address;
  std::string port;
};

// ---- what failed ----

bool is_refusal(const StoryExchange& exchange) {
  const SmtpExchange& smtp = exchange.smtp;
  return smtp.kind == SmtpExchange::Kind::Command && smtp.answer == SmtpExchange::Answer::Reply &&
         smtp.reply.code >= 400 && smtp.step != SmtpStep::Quit;
}

// The first of the worst.  That DATA is refused where there is no recipient says nothing new.
std::size_t worst_refusal(const Story& story) {
  const std::vector<StoryExchange>& all = story.exchanges;
  std::size_t worst = all.size();
  bool refused = false;  // in this transaction
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SmtpExchange& smtp = all[i].smtp;
    if (smtp.step == SmtpStep::Mail) refused = false;
    const bool follows =
        std::exchange(refused, refused || is_refusal(all[i])) && smtp.step == SmtpStep::Data;
    if (!is_refusal(all[i]) || follows) continue;
    if (worst == all.size() || smtp.reply.code > all[worst].smtp.reply.code) worst = i;
  }
  return worst;
}

// The last one that failed without a refusal, and of which it is known where it went.
std::size_t failed_attempt(const Story& story) {
  for (std::size_t i = story.attempts.size(); i > 0; --i) {
    const Attempt& attempt = story.attempts[i - 1];
    const bool somewhere = !attempt.target.empty() || attempt.was_connected;
    if (!attempt.why.empty() && somewhere) return i - 1;
  }
  return story.attempts.size();
}

void take(Dialogue& dialogue, const StoryExchange& exchange, WallTime& answered) {
  const SmtpExchange& smtp = exchange.smtp;
  const bool deferred = smtp.step == SmtpStep::Rcpt || smtp.step == SmtpStep::Data;
  if (deferred && answered != WallTime{} && exchange.sent < answered) dialogue.pipelined = true;
  answered = exchange.replied;
  switch (smtp.step) {
    case SmtpStep::Hello:
      // After an EHLO that was refused swaks sends HELO by itself.
      if (!has_verb(dialogue.hello, "EHLO") || !has_verb(smtp.command, "HELO"))
        dialogue.hello = smtp.command;
      break;
    case SmtpStep::StartTls: dialogue.starttls = true; break;
    case SmtpStep::Auth: dialogue.auth = auth_mechanism(smtp.command); break;
    case SmtpStep::Mail:
      dialogue.mail = &smtp;
      dialogue.recipients.clear();
      dialogue.message_bytes = 0;
      break;
    case SmtpStep::Rcpt: dialogue.recipients.push_back(&smtp); break;
    case SmtpStep::LastChunk:
    case SmtpStep::Message: dialogue.message_bytes = smtp.bytes; break;
    case SmtpStep::Reset: return;
    case SmtpStep::Banner:
    case SmtpStep::Answer:
    case SmtpStep::Data:
    case SmtpStep::Chunk:
    case SmtpStep::Quit:
    case SmtpStep::Other: break;
  }
  if (smtp.step != SmtpStep::Quit && smtp.step != SmtpStep::Other) dialogue.last = smtp.step;
}

// Its connection up to the end of the transaction that failed.
std::optional<Dialogue> failed_dialogue(const Story& story) {
  const std::size_t worst = worst_refusal(story);
  const bool refused = worst < story.exchanges.size();
  Dialogue dialogue;
  dialogue.attempt = refused ? story.exchanges[worst].attempt : failed_attempt(story);
  if (dialogue.attempt >= story.attempts.size()) return std::nullopt;
  if (refused) dialogue.failed = &story.exchanges[worst];
  WallTime answered;
  for (std::size_t i = 0; i < story.exchanges.size(); ++i) {
    const StoryExchange& exchange = story.exchanges[i];
    if (exchange.attempt != dialogue.attempt || exchange.smtp.kind != SmtpExchange::Kind::Command)
      continue;
    const SmtpStep step = exchange.smtp.step;
    const bool over = step == SmtpStep::Mail || step == SmtpStep::Reset || step == SmtpStep::Quit;
    if (refused && i > worst && over) break;
    take(dialogue, exchange, answered);
  }
  return dialogue;
}

std::optional<Server> server_of(const Attempt& attempt) {
  const std::string& named = attempt.was_connected ? attempt.mx_address : attempt.target;
  const std::optional<IpAddress> address = parse_endpoint_ip(named);
  if (!address) return std::nullopt;
  Server server{to_text(*address), std::string(kSmtpPort)};
  const std::size_t colon = named.rfind(':');
  if (!parse_ip(named) && colon != std::string::npos) server.port = named.substr(colon + 1);
  return server;
}

// ---- words ----

// In a comment, as it is to be read; lines of a reply stand behind one another.
std::string in_quotes(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kMostQuoted))
    c == '\n' ? shown.append(" / ") : shown.append(1, c);
  shown = visible(shown);
  if (text.size() > kMostQuoted) shown += "…";
  return shell_literal(shown);
}

// Why no option can have such a value; empty: it can.
std::string_view why_no_value(std::string_view value) {
  if (visible(value) != value) return "holds what no line of a terminal can";
  if (value.starts_with('-')) return "begins with -, which swaks takes for an option";
  if (value.empty() || value == "0" || value == "<>") return "is nothing that swaks sends";
  return {};
}

class CommandLine {
 public:
  void option(std::string_view name) { text_.append(" ").append(name); }
  // A word of ours.
  void option(std::string_view name, std::string_view value) {
    option(name);
    text_.append(" ").append(value);
  }
  // One of the recording's; `what` it is, in words.
  void foreign(std::string_view name, std::string_view value, std::string_view what) {
    const std::string_view why = why_no_value(value);
    if (!why.empty()) return refuse(what, why);
    option(name, shell_literal(value));
  }
  void refuse(std::string_view what, std::string_view why) {
    if (refusal_.empty()) refusal_.append(what).append(" ").append(why);
  }
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] std::string take() { return "swaks" + std::move(text_) + "\n"; }

 private:
  std::string text_;
  std::string refusal_;
};

class SwaksText {
 public:
  SwaksText(const Story& story, const Dialogue& dialogue, const std::string* user)
      : story_(story),
        dialogue_(dialogue),
        attempt_(story.attempts[dialogue.attempt]),
        user_(user) {}

  SwaksSession take() {
    tell_what_failed();
    add_server();
    add_hello();
    add_auth();
    add_envelope();
    add_end();
    SwaksSession session{story_.first_received, std::move(comments_), command_.refusal().empty()};
    session.lines +=
        session.repeatable ? command_.take() : "# no command: " + command_.refusal() + "\n";
    return session;
  }

 private:
  void comment(const std::string& text) { comments_ += "# " + text + "\n"; }

  void tell_what_failed() {
    const std::int64_t at = to_unix_nanos(when_it_failed()).value_or(story_.last_received);
    const std::string_view said = dialogue_.failed == nullptr
                                      ? std::string_view(attempt_.why)
                                      : std::string_view(dialogue_.failed->smtp.reply.text);
    comment("session " + in_quotes(story_.id) + " of " + in_quotes(story_.source) + ", " +
            show_time(at) + ": " + in_quotes(said));
    if (story_.gap_count > 0 || !story_.begins_here)
      comment("events of it are missing: the dialogue may have been another one");
  }

  [[nodiscard]] WallTime when_it_failed() const {
    if (dialogue_.failed != nullptr) return dialogue_.failed->replied;
    for (const StoryError& error : story_.errors)
      if (error.attempt == dialogue_.attempt && error.text == attempt_.why) return error.when;
    return attempt_.closed.value_or(attempt_.begun);
  }

  void add_server() {
    const std::optional<Server> server = server_of(attempt_);
    if (!server) return command_.refuse("the server", "has no IP address in the recording");
    command_.option("--server", server->address);
    command_.option("--port", server->port);
    std::string where = "to " + in_quotes(attempt_.mx_host.empty() ? "?" : attempt_.mx_host);
    if (!attempt_.source_address.empty())
      where +=
          " from " + in_quotes(attempt_.source_address) + ", with --local-interface if it is ours";
    comment(where);
  }

  void add_hello() {
    if (dialogue_.hello.empty()) return;
    if (has_verb(dialogue_.hello, "LHLO")) command_.option("--protocol", "LMTP");
    if (has_verb(dialogue_.hello, "HELO")) command_.option("--protocol", "SMTP");
    std::string_view name = dialogue_.hello;
    name.remove_prefix(std::min(name.find_first_of(kBlanks), name.size()));
    name.remove_prefix(std::min(name.find_first_not_of(kBlanks), name.size()));
    command_.foreign("--ehlo", name, "the name in EHLO");
    if (dialogue_.starttls) command_.option("--tls");
  }

  // The password is asked for.
  void add_auth() {
    if (dialogue_.auth.empty()) return;
    constexpr std::array<std::string_view, 5> kKnown{
        "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM"};
    const auto* const known = std::find_if(kKnown.begin(), kKnown.end(), [this](auto mechanism) {
      return same_word(dialogue_.auth, mechanism);
    });
    if (known == kKnown.end())
      return command_.refuse("the mechanism of AUTH", "is none that swaks knows");
    command_.option("--auth", *known);
    if (user_ != nullptr) command_.foreign("--auth-user", *user_, "the user");
    comment("swaks asks for the password, which is left out here");
  }

  void add_envelope() {
    if (dialogue_.mail == nullptr) return;
    const std::string_view sender = address_of(*dialogue_.mail, "the sender");
    if (sender.empty()) {
      command_.option("--from", "'<>'");
    } else {
      command_.foreign("--from", sender, "the sender");
    }
    const std::string_view parameters = parameters_of(dialogue_.mail->command);
    if (!parameters.empty()) comment("without " + in_quotes(parameters) + " of MAIL FROM");
    if (dialogue_.recipients.empty()) return;
    command_.foreign("--to", recipients(), "a recipient");
    if (dialogue_.pipelined) command_.option("--pipeline");
  }

  std::string recipients() {
    std::string all;
    const std::size_t count = std::min(dialogue_.recipients.size(), kMostRecipients);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view address = address_of(*dialogue_.recipients[i], "a recipient");
      if (address.empty()) command_.refuse("a recipient", "is empty");
      if (address.find(',') != std::string_view::npos)
        command_.refuse("a recipient", "holds a comma, at which swaks would split it");
      all.append(all.empty() ? "" : ",").append(address);
    }
    const std::size_t more = dialogue_.recipients.size() - count;
    if (more > 0) comment("without " + counted(more, "recipient") + " more");
    return all;
  }

  std::string_view address_of(const SmtpExchange& command, std::string_view what) {
    if (command.cut) command_.refuse(what, "is too long");
    return path_of(command.command);
  }

  static std::string_view parameters_of(std::string_view command) {
    const std::size_t end = command.find("> ");
    return end == std::string_view::npos ? std::string_view() : command.substr(end + 2);
  }

  // Where it ended before there was a mail; else what stands for it.
  void add_end() {
    const std::string_view step = last_step();
    if (!step.empty()) return command_.option("--quit-after", step);
    command_.option("--header", "'Subject: repeats a recorded dialogue'");
    command_.option("--body", "'This stands for the mail of the recording.'");
    if (dialogue_.message_bytes > 0)
      comment("the mail had " + counted(dialogue_.message_bytes, "byte") +
              ", and is another one here");
  }

  [[nodiscard]] std::string_view last_step() const {
    switch (dialogue_.last) {
      case SmtpStep::Banner: return "CONNECT";
      case SmtpStep::Hello: return dialogue_.starttls ? "HELO" : "FIRST-HELO";
      case SmtpStep::StartTls: return "TLS";
      case SmtpStep::Auth:
      case SmtpStep::Answer: return "AUTH";
      case SmtpStep::Mail: return "MAIL";
      case SmtpStep::Rcpt: return dialogue_.mail == nullptr ? "HELO" : "RCPT";
      case SmtpStep::Data:
      case SmtpStep::Chunk:
      case SmtpStep::LastChunk:
      case SmtpStep::Message:
      case SmtpStep::Reset:
      case SmtpStep::Quit:
      case SmtpStep::Other: break;
    }
    const bool whole = dialogue_.mail != nullptr && !dialogue_.recipients.empty();
    return whole ? "" : "HELO";
  }

  const Story& story_;
  const Dialogue& dialogue_;
  const Attempt& attempt_;
  const std::string* user_;
  CommandLine command_;
  std::string comments_;
};

// In AUTH PLAIN, between two zeros: who logs in.
std::string user_of_plain(std::string_view line) {
  const std::string_view argument = without_line_end(line.substr(auth_argument_at(line)));
  const std::string decoded = decode_base64(argument);
  const std::size_t first = decoded.find('\0');
  const std::size_t second = first == std::string::npos ? first : decoded.find('\0', first + 1);
  if (second == std::string::npos || decoded.find('\0', second + 1) != std::string::npos) return {};
  std::string user = decoded.substr(first + 1, second - first - 1);
  return user.size() > kMostUser ? std::string() : user;
}

}  // namespace

std::string shell_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    // To fish and csh these mean something between quotes, too.
    if (c == '\'' || c == '\\' || c == '!') {
      out.append("'\\").append(1, c).append("'");
    } else {
      out.push_back(c);
    }
  }
  return out + "'";
}

SwaksSession swaks_session(const Story& story, const std::map<std::size_t, std::string>& users) {
  const std::optional<Dialogue> dialogue = failed_dialogue(story);
  if (!dialogue) return {story.first_received, {}, false};
  const auto user = users.find(dialogue->attempt);
  return SwaksText(story, *dialogue, user == users.end() ? nullptr : &user->second).take();
}

// What a server repeats of a password is not told.
void SwaksBuilder::add(const Event& event) {
  const Levels levels{Bodies::Full, Secrets::Mask};
  Cuts cuts;
  cuts.kept = event.text.size();
  bool may_repeat = false;
  switch (event.kind) {
    case EventKind::Connected: dialogue_.connected(); break;
    case EventKind::Closed: dialogue_.closed(); break;
    case EventKind::MessageObtained: dialogue_.message_obtained(); break;
    case EventKind::Write: dialogue_.write(event.text, levels, cuts); break;
    case EventKind::AbbreviatedWrite:
      dialogue_.abbreviated_write(event.text, event.length, levels, cuts);
      break;
    case EventKind::Read:
      dialogue_.read(event.text, cuts);
      may_repeat = true;
      break;
    case EventKind::Diagnostic:
      dialogue_.find_quoted(event.text, cuts);
      may_repeat = true;
      break;
    case EventKind::BeginSession: break;
    case EventKind::Unknown: dialogue_.lost_track(); break;
  }
  if (may_repeat && !cuts.secrets.empty()) {
    std::string text(event.text);
    static_cast<void>(mask(text, cuts.secrets));
    Event masked = event;
    masked.text = text;
    return story_.add(masked);
  }
  story_.add(event);
  note_user(event);
}

void SwaksBuilder::note_user(const Event& event) {
  const bool plain = event.kind == EventKind::Write && !event.masked && !event.trimmed &&
                     has_verb(event.text, "AUTH") && same_word(auth_mechanism(event.text), "PLAIN");
  if (!plain || story_.so_far().attempts.empty()) return;
  std::string user = user_of_plain(event.text);
  if (!user.empty()) users_.emplace(story_.so_far().attempts.size() - 1, std::move(user));
}

}  // namespace smtptape
