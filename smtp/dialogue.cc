#include "smtp/dialogue.h"

#include <algorithm>
#include <utility>

#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kGoOn = 354;
constexpr std::uint16_t kChallenge = 334;
constexpr std::uint64_t kFinalDotWithLineEnd = 5;
constexpr std::string_view kEndOfMessage = "\r\n.\r\n";
constexpr std::int8_t kMostAhead = 100;

// Nothing, or a challenge called off: no secret.
bool says_nothing(std::string_view argument) {
  return argument.empty() || argument == "=" || argument == "*";
}

}  // namespace

// ---- the client's lines ----

void SmtpDialogue::write(std::string_view text, const Levels& levels, Cuts& cuts) {
  take_text(text, levels, cuts);
}

void SmtpDialogue::take_text(std::string_view text, const Levels& levels, Cuts& cuts) {
  std::string_view rest = text;
  for (std::uint64_t left = text.size(); left > 0;) {
    const std::string_view before = rest;
    const std::size_t at = text.size() - before.size();
    const ClientLines::Item item = client_.next(rest, left);
    const std::string_view taken = before.substr(0, before.size() - rest.size());
    switch (item.what) {
      case ClientLines::What::Message: take_message(taken, at, levels, cuts); break;
      case ClientLines::What::MessageEnd:
        if (!is_final_dot(taken)) take_message(taken, at, levels, cuts);
        end_message();
        break;
      case ClientLines::What::Chunk: take_chunk(taken, at, levels, cuts); break;
      case ClientLines::What::Piece:
      case ClientLines::What::Line: {
        const Piece piece{taken, at, before, item.what == ClientLines::What::Line};
        if (!take_line(item, piece, levels.secrets, cuts))
          return take_doubtful(before, at, levels, cuts);
        break;
      }
      case ClientLines::What::Unclear: return;  // of a text that is not all there
    }
  }
}

void SmtpDialogue::abbreviated_write(std::string_view first_line,
                                     std::uint64_t length,
                                     const Levels& levels,
                                     Cuts& cuts) {
  const bool is_dot = first_line.empty() && length == kFinalDotWithLineEnd;
  if (client_.in_message() || client_.in_chunk()) {
    const ClientLines::Item item = client_.next_abbreviated(first_line, length);
    if (item.what == ClientLines::What::MessageEnd) return end_message();
    if (item.what == ClientLines::What::Chunk) return take_chunk(first_line, 0, levels, cuts);
    take_message(first_line, 0, levels, cuts);
    return header_.end();
  }
  if (message_begun_ && is_dot) return end_message();
  const std::string line = std::string(first_line).append("\r\n");
  std::uint64_t unseen = length - std::min<std::uint64_t>(length, line.size());
  take_text(line, levels, cuts);
  if (message_begun_) header_.end();
  std::string_view none;
  if (unseen == 0 || !client_.in_chunk()) return;
  if (client_.next(none, unseen).what == ClientLines::What::Chunk)
    take_chunk({}, first_line.size(), levels, cuts);
}

bool SmtpDialogue::take_line(const ClientLines::Item& item,
                             const Piece& piece,
                             Secrets secrets,
                             Cuts& cuts) {
  if (secrets_) {
    const std::size_t first = cuts.secrets.size();
    secrets_->find_in_piece(piece.text, open_written_, cuts.secrets);
    for (std::size_t i = first; i < cuts.secrets.size(); ++i)
      cuts.secrets[i] = {cuts.secrets[i].from + piece.at, cuts.secrets[i].to + piece.at};
  }
  const std::string_view content = without_line_end(piece.text);
  if (in_argument_ || item.step == SmtpStep::Answer) {
    take_answer(piece, secrets, cuts);
    return true;
  }
  std::string joined;
  std::string_view command = content;
  if (!item.start.empty())
    command = without_line_end(joined = std::string(item.start).append(piece.text));
  const bool broken = std::exchange(broken_line_, false);
  if (piece.finished && is_smtp_command(command)) {
    take_command(item.step, command, piece, secrets, cuts);
    return true;
  }
  if (!piece.finished && may_become_smtp_command(command)) {
    if (has_verb(command, "AUTH") && has_auth_argument(command))
      take_auth(command, piece, secrets, cuts);
    return true;
  }
  if (broken && secrets == Secrets::Mask && !content.empty()) {
    take_answer(piece, secrets, cuts);
    return true;
  }
  return take_other_line(piece, secrets, cuts);
}

bool SmtpDialogue::take_other_line(const Piece& piece, Secrets secrets, Cuts& cuts) {
  const std::string_view content = without_line_end(piece.text);
  if (content == "." && piece.finished) {
    end_message();
    return true;
  }
  const bool may_be_argument = content.empty() || content == "*" || is_base64_word(content);
  // Unmasked, what can't be an argument must not pass for one: it may be a message.
  if (place_ == Place::Auth && (may_be_argument || secrets == Secrets::Mask)) {
    take_answer(piece, secrets, cuts);
    return true;
  }
  if (content.empty()) {
    const bool nothing_else = piece.text.size() == piece.rest.size();
    return piece.rest == kEndOfMessage || (place_ == Place::Commands && nothing_else);
  }
  // The middle of an exchange that we didn't see begin?
  if (secrets != Secrets::Mask || place_ != Place::Commands || !may_be_argument) return false;
  take_answer(piece, secrets, cuts);
  return true;
}

void SmtpDialogue::take_command(
    SmtpStep step, std::string_view command, const Piece& piece, Secrets secrets, Cuts& cuts) {
  if (step == SmtpStep::Auth) return take_auth(command, piece, secrets, cuts);
  if (step == SmtpStep::Data) {
    end_message();
    place_ = Place::Data;
    return;
  }
  if (step == SmtpStep::Chunk || step == SmtpStep::LastChunk) {
    last_chunk_ = step == SmtpStep::LastChunk;
    if (last_chunk_ && !client_.in_chunk()) end_message();
  }
  // Commands may be sent before the reply to an AUTH is there.
  if (place_ == Place::Auth) return;
  place_ = Place::Commands;
  if (step != SmtpStep::Mail) return;
  forget_secrets();
  if (sure_) header_ = {};
}

// ---- AUTH ----

void SmtpDialogue::take_auth(std::string_view command,
                             const Piece& piece,
                             Secrets secrets,
                             Cuts& cuts) {
  place_ = Place::Auth;
  auth_begun_ = true;
  login_ = same_word(auth_mechanism(command), "LOGIN");
  arguments_due_ = login_ ? 2 : 1;
  const std::size_t size = command.size() - auth_argument_at(command);
  // What came in earlier pieces was no argument yet.
  if (size > 0)
    take_argument(piece, std::min(size, without_line_end(piece.text).size()), secrets, cuts);
  if (arguments_due_ > 0 && !in_argument_) client_.expect_answer();
}

void SmtpDialogue::take_answer(const Piece& piece, Secrets secrets, Cuts& cuts) {
  if (!in_argument_ && challenges_ > -kMostAhead) --challenges_;
  take_argument(piece, without_line_end(piece.text).size(), secrets, cuts);
}

void SmtpDialogue::take_argument(const Piece& piece,
                                 std::size_t size,
                                 Secrets secrets,
                                 Cuts& cuts) {
  place_ = Place::Auth;
  auth_begun_ = true;
  const std::string_view content = without_line_end(piece.text);
  std::string_view argument = content.substr(content.size() - size);
  const bool begins = !in_argument_;
  in_argument_ = !piece.finished && (!begins || !argument.empty());
  if (secrets == Secrets::Mask && !(begins && piece.finished && says_nothing(argument))) {
    // "=" alone is the empty argument, and no other begins so: whether it is alone, a piece of it
    // doesn't tell.
    if (begins && argument.starts_with('=')) argument.remove_prefix(1);
    const std::size_t end = piece.at + content.size();
    if (!argument.empty()) {
      cuts.secrets.push_back({end - argument.size(), end});
      remember(argument);
    }
  }
  if (piece.finished) end_argument();
}

void SmtpDialogue::remember(std::string_view argument) {
  if (!secrets_) secrets_ = std::make_unique<SeenSecrets>();
  secrets_->append(argument);
}

void SmtpDialogue::end_argument() {
  const bool is_name = login_ && arguments_due_ > 1;
  if (secrets_) secrets_->end_argument(is_name);
  if (arguments_due_ > 0 && --arguments_due_ > 0) client_.expect_answer();
}

void SmtpDialogue::end_auth() {
  if (place_ == Place::Auth) place_ = Place::Commands;
  auth_begun_ = false;
  arguments_due_ = 0;
  login_ = false;
  challenges_ = 0;
  client_.expect_command();
}

// ---- messages ----

void SmtpDialogue::take_message(std::string_view text,
                                std::size_t at,
                                const Levels& levels,
                                Cuts& cuts) {
  message_begun_ = true;
  if (levels.bodies == Bodies::Full) return;
  const std::size_t header = levels.bodies == Bodies::Headers ? header_.take(text) : 0;
  if (header < text.size()) cuts.kept = std::min(cuts.kept, at + header);
}

void SmtpDialogue::take_chunk(std::string_view text,
                              std::size_t at,
                              const Levels& levels,
                              Cuts& cuts) {
  take_message(text, at, levels, cuts);
  // That it is a chunk, and so long, was said by what may have been a message's.
  if (!sure_ && levels.secrets == Secrets::Mask) mask_auth_lines(text, at, cuts);
  if (last_chunk_ && !client_.in_chunk()) end_message();
}

// What is left of an event, which is a message, most likely.
void SmtpDialogue::take_doubtful(std::string_view text,
                                 std::size_t at,
                                 const Levels& levels,
                                 Cuts& cuts) {
  take_message(text, at, levels, cuts);
  if (levels.secrets == Secrets::Mask) mask_auth_lines(text, at, cuts);
  if (text.ends_with(kEndOfMessage)) end_message();
  client_.lose_track();
}

void SmtpDialogue::mask_auth_lines(std::string_view text, std::size_t at, Cuts& cuts) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = without_line_end(text.substr(0, end));
    const std::size_t argument = auth_argument_at(line);
    if (has_verb(line, "AUTH") && !says_nothing(line.substr(argument))) {
      cuts.secrets.push_back({at + argument, at + line.size()});
      remember(line.substr(argument));
      secrets_->end_argument(false);
    }
    text.remove_prefix(end);
    at += end;
  }
}

void SmtpDialogue::end_message() {
  place_ = Place::Commands;
  header_ = {};
  message_begun_ = false;
  last_chunk_ = false;
}

// ---- the server's lines ----

void SmtpDialogue::read(std::string_view text, Cuts& cuts) {
  if (secrets_) secrets_->find_in_piece(text, open_read_, cuts.secrets);
  while (!text.empty()) {
    const ReplyLines::Item line = server_.next(text);
    if (line.last) take_reply(line.code);
  }
}

void SmtpDialogue::take_reply(std::uint16_t code) {
  if (client_.in_message() || client_.in_chunk()) return;
  if (code == kChallenge) {
    if (place_ == Place::Auth && auth_begun_) {
      challenges_ = static_cast<std::int8_t>(std::min(challenges_ + 1, 1));
      if (challenges_ > 0) client_.expect_answer();
    }
    // Unasked for, it may be that we missed the question, or that the server talks nonsense: then
    // commands are still commands.
    if (place_ == Place::Commands) place_ = Place::Auth;
  } else if (code == kGoOn) {
    if (place_ == Place::Data) client_.begin_message();
  } else if (place_ == Place::Auth) {
    end_auth();
  }
}

void SmtpDialogue::find_quoted(std::string_view text, Cuts& cuts) const {
  if (secrets_) secrets_->find(text, cuts.secrets);
}

// ---- what changes everything ----

void SmtpDialogue::start_over() {
  end_message();
  if (in_argument_) end_argument();
  end_auth();
  open_written_.clear();
  open_read_.clear();
  in_argument_ = false;
  broken_line_ = false;
  client_.start_over();
  server_.start_over();
}

void SmtpDialogue::connected() {
  start_over();
  sure_ = true;
}

void SmtpDialogue::closed() {
  start_over();
  sure_ = false;
}

// KumoMTA gets the next one when all of the one before is answered.
void SmtpDialogue::message_obtained() {
  end_message();
  end_auth();
  in_argument_ = false;
  broken_line_ = false;
  client_.lose_track();
  forget_secrets();
  sure_ = true;
}

void SmtpDialogue::forget_secrets() {
  secrets_.reset();
  open_written_.clear();
  open_read_.clear();
}

void SmtpDialogue::lost_track() {
  // A message that was begun may have ended, and another dialogue begun.
  if (message_begun_) header_.end();
  if (place_ == Place::Data) place_ = Place::Commands;
  arguments_due_ = 0;
  challenges_ = 0;
  last_chunk_ = false;
  sure_ = false;
  broken_line_ = client_.in_line() && !in_argument_;
  client_.lose_track();
  server_.start_over();
  open_written_.clear();
  open_read_.clear();
}

}  // namespace smtptape
