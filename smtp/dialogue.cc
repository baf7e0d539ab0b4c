#include "smtp/dialogue.h"

#include <algorithm>

#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostUnfinished = 64;
constexpr std::size_t kReplyCode = 3;
constexpr std::uint64_t kFinalDotWithLineEnd = 5;
constexpr std::string_view kEndOfMessage = "\r\n.\r\n";

bool is_code(std::string_view text) {
  return text.size() == kReplyCode &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// ---- the client's lines ----

void SmtpDialogue::write(std::string_view text, const Levels& levels, Cuts& cuts) {
  if (place_ == Place::Message) {
    if (is_final_dot(text)) return end_message();
    return take_message(text, 0, levels, cuts);
  }
  if (secrets_) secrets_->find_in_piece(text, open_written_, cuts.secrets);
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::size_t end = rest.find('\n');
    const bool finished = end != std::string_view::npos;
    const Line line{finished ? rest.substr(0, end + 1) : rest, at, finished, rest};
    if (!take_line(line, levels, cuts)) return take_message(text, at, levels, cuts);
    at += line.piece.size();
  }
}

void SmtpDialogue::abbreviated_write(std::string_view first_line,
                                     std::uint64_t length,
                                     const Levels& levels,
                                     Cuts& cuts) {
  if (message_begun_ && first_line.empty() && length == kFinalDotWithLineEnd) return end_message();
  const Line line{first_line, 0, true, first_line};
  if (secrets_ && place_ != Place::Message) secrets_->find(first_line, cuts.secrets);
  if (place_ != Place::Message && take_line(line, levels, cuts)) return;
  const bool begins = !message_begun_;
  message_begun_ = true;
  const std::size_t header = begins ? header_.take(first_line) : 0;
  header_.end();
  if (levels.bodies == Bodies::None) cuts.kept = 0;
  if (levels.bodies == Bodies::Headers) cuts.kept = header;
}

bool SmtpDialogue::take_line(const Line& line, const Levels& levels, Cuts& cuts) {
  const std::string_view piece = without_line_end(line.piece);
  if (in_argument_ || place_ == Place::Challenge) {
    unfinished_.clear();
    take_argument(line, piece.size(), levels.secrets, cuts);
    return true;
  }
  std::string joined;
  std::string_view command = piece;
  if (!unfinished_.empty()) command = joined = unfinished_.append(piece);
  if (line.finished && is_smtp_command(command)) {
    take_command(line, command, levels.secrets, cuts);
    return true;
  }
  if (!line.finished && may_become_smtp_command(command)) {
    take_unfinished(line, command, levels.secrets, cuts);
    return true;
  }
  unfinished_.clear();
  return take_other_line(line, levels.secrets, cuts);
}

bool SmtpDialogue::take_other_line(const Line& line, Secrets secrets, Cuts& cuts) {
  const std::string_view content = without_line_end(line.piece);
  if (content == "." && line.finished) {
    end_message();
    return true;
  }
  const bool may_be_argument = content.empty() || content == "*" || is_base64_word(content);
  // Unmasked, what can't be an argument must not pass for one: it may be a message.
  if (place_ == Place::Auth && (may_be_argument || secrets == Secrets::Mask)) {
    take_argument(line, content.size(), secrets, cuts);
    return true;
  }
  if (content.empty()) {
    const bool nothing_else = line.piece.size() == line.rest.size();
    return line.rest == kEndOfMessage || (place_ == Place::Commands && nothing_else);
  }
  // The middle of an exchange that we didn't see begin?
  if (secrets != Secrets::Mask || place_ != Place::Commands || !may_be_argument) return false;
  take_argument(line, content.size(), secrets, cuts);
  return true;
}

void SmtpDialogue::take_command(const Line& line,
                                std::string_view command,
                                Secrets secrets,
                                Cuts& cuts) {
  unfinished_.clear();
  if (has_verb(command, "AUTH")) return take_auth(line, command, secrets, cuts);
  if (has_verb(command, "DATA")) {
    end_message();
    place_ = Place::Data;
    return;
  }
  // Commands may be sent before the reply to an AUTH is there.
  if (place_ == Place::Auth) return;
  place_ = Place::Commands;
  if (has_verb(command, "MAIL")) forget_secrets();
}

void SmtpDialogue::take_unfinished(const Line& line,
                                   std::string_view command,
                                   Secrets secrets,
                                   Cuts& cuts) {
  unfinished_.assign(command.substr(0, kMostUnfinished));
  if (!has_verb(command, "AUTH") || auth_argument_at(command) == command.size()) return;
  unfinished_.clear();
  take_auth(line, command, secrets, cuts);
}

void SmtpDialogue::take_auth(const Line& line,
                             std::string_view command,
                             Secrets secrets,
                             Cuts& cuts) {
  place_ = Place::Auth;
  login_name_next_ = same_word(auth_mechanism(command), "LOGIN");
  const std::size_t size = command.size() - auth_argument_at(command);
  // What came in earlier pieces was no argument yet.
  take_argument(line, std::min(size, without_line_end(line.piece).size()), secrets, cuts);
}

void SmtpDialogue::take_argument(const Line& line, std::size_t size, Secrets secrets, Cuts& cuts) {
  place_ = Place::Auth;
  const std::string_view piece = without_line_end(line.piece);
  const std::string_view argument = piece.substr(piece.size() - size);
  const bool begins = !in_argument_;
  const bool empty_or_cancelled =
      begins && line.finished && (argument.empty() || argument == "=" || argument == "*");
  in_argument_ = !line.finished && (!begins || !argument.empty());
  if (empty_or_cancelled || secrets != Secrets::Mask) return;
  if (!argument.empty()) {
    const std::size_t at = line.at + piece.size() - size;
    cuts.secrets.push_back({at, at + size});
    if (!secrets_) secrets_ = std::make_unique<SeenSecrets>();
    secrets_->append(argument);
  }
  if (line.finished) end_argument();
}

void SmtpDialogue::end_argument() {
  if (secrets_) secrets_->end_argument(login_name_next_);
  login_name_next_ = false;
}

// ---- messages ----

void SmtpDialogue::take_message(std::string_view text,
                                std::size_t from,
                                const Levels& levels,
                                Cuts& cuts) {
  message_begun_ = true;
  const std::string_view message = text.substr(from);
  if (levels.bodies == Bodies::None) cuts.kept = from;
  if (levels.bodies == Bodies::Headers) cuts.kept = from + header_.take(message);
  if (message.ends_with(kEndOfMessage)) end_message();
}

void SmtpDialogue::end_message() {
  place_ = Place::Commands;
  header_ = {};
  message_begun_ = false;
}

// ---- the server's lines ----

void SmtpDialogue::read(std::string_view text, Cuts& cuts) {
  if (secrets_) secrets_->find_in_piece(text, open_read_, cuts.secrets);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (reply_.size() < kReplyCode) {
      reply_.append(line.substr(0, kReplyCode - reply_.size()));
      if (is_code(reply_)) take_reply_code(reply_);
    }
    if (end == std::string_view::npos) return;
    reply_.clear();
    text.remove_prefix(end + 1);
  }
}

void SmtpDialogue::take_reply_code(std::string_view code) {
  const bool in_auth = place_ == Place::Auth || place_ == Place::Challenge;
  if (code == "334") {
    // Unasked for, it may be that we missed the question, or that the server talks nonsense: then
    // commands are still commands.
    if (place_ == Place::Commands) place_ = Place::Auth;
    if (in_auth) place_ = Place::Challenge;
  } else if (code == "354") {
    if (place_ == Place::Data) place_ = Place::Message;
  } else if (in_auth) {
    place_ = Place::Commands;
  }
}

void SmtpDialogue::find_quoted(std::string_view text, Cuts& cuts) const {
  if (secrets_) secrets_->find(text, cuts.secrets);
}

// ---- what changes everything ----

void SmtpDialogue::connection_changed() {
  end_message();
  if (in_argument_) end_argument();
  open_written_.clear();
  open_read_.clear();
  in_argument_ = false;
  login_name_next_ = false;
  unfinished_.clear();
  reply_.clear();
}

void SmtpDialogue::message_obtained() {
  end_message();
  in_argument_ = false;
  unfinished_.clear();
  forget_secrets();
}

void SmtpDialogue::forget_secrets() {
  secrets_.reset();
  open_written_.clear();
  open_read_.clear();
}

void SmtpDialogue::lost_track() {
  // A message that was begun may have ended, and another dialogue begun.
  if (message_begun_) header_.end();
  if (place_ == Place::Message || place_ == Place::Data) place_ = Place::Commands;
  if (place_ == Place::Challenge) place_ = Place::Auth;
  reply_.clear();
  open_written_.clear();
  open_read_.clear();
}

}  // namespace smtptape
