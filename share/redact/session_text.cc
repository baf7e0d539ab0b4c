#include "share/redact/session_text.h"

#include <algorithm>
#include <utility>

namespace smtptape {

namespace {

// More of the same reply follows.
bool goes_on(std::string_view line) {
  constexpr std::size_t kCode = 3;
  return line.size() > kCode && line[kCode] == '-' &&
         std::all_of(
             line.begin(), line.begin() + kCode, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// Behind the end of the first unit of `text`; npos: it has none.  `line`: where to look from, and
// where the last line begins.
std::size_t SessionText::unit_end(Side side, std::string_view text, std::size_t& line) {
  while (true) {
    const std::size_t end = text.find('\n', line);
    if (end == std::string_view::npos) return end;
    const bool more = side == Side::Server && goes_on(text.substr(line, end - line));
    line = end + 1;
    if (!more) return line;
  }
}

void SessionText::add(std::string_view session, Side side, Piece piece, const Meta* meta) {
  if (piece.text.empty()) return;
  auto found = sessions_.find(session);
  if (found == sessions_.end()) {
    if (sessions_.size() >= kMostSessions) {
      end_all();
      sessions_.clear();
    }
    found = sessions_.emplace(session, std::make_unique<Session>()).first;
  }
  Stream& stream = side == Side::Client ? found->second->client : found->second->server;
  add_to(stream, found->first, side, piece, meta);
}

void SessionText::add_to(
    Stream& stream, std::string_view session, Side side, Piece piece, const Meta* meta) {
  // What was held back, and what of this piece completes it.
  std::span<char> text = piece.text;
  while (!text.empty() && !stream.text.empty()) {
    const auto end =
        static_cast<std::size_t>(std::find(text.begin(), text.end(), '\n') - text.begin());
    const std::size_t size = std::min(end + 1, text.size());
    const std::size_t before = stream.text.size();
    stream.text.append(text.data(), size);
    stream.pieces.push_back({text.first(size), piece.held});
    if (piece.held != nullptr) ++*piece.held;
    stream.meta = MetaPtr(meta);
    text = text.subspan(size);
    std::size_t line = std::min(stream.line, before);
    if (unit_end(side, stream.text, line) != std::string_view::npos) {
      complete(stream, session, side, true);
    } else {
      stream.line = line;
      if (stream.text.size() > kMostUnit) complete(stream, session, side, false);
    }
  }
  // Whole units of this piece alone.
  while (!text.empty()) {
    std::size_t line = 0;
    const std::size_t end = unit_end(side, {text.data(), text.size()}, line);
    if (end == std::string_view::npos) {
      stream.text.assign(text.data(), text.size());
      stream.pieces.assign(1, {text, piece.held});
      stream.line = line;
      stream.meta = MetaPtr(meta);
      if (piece.held != nullptr) ++*piece.held;
      if (stream.text.size() > kMostUnit) complete(stream, session, side, false);
      return;
    }
    take_({side, text.first(end), meta, session, std::exchange(stream.midway, false)});
    text = text.subspan(end);
  }
}

void SessionText::complete(Stream& stream, std::string_view session, Side side, bool line_ends) {
  if (stream.text.empty()) return;
  take_({side, stream.text, stream.meta.get(), session, std::exchange(stream.midway, !line_ends)});
  const char* from = stream.text.data();
  for (const Piece& piece : stream.pieces) {
    if (piece.held != nullptr) {
      std::copy_n(from, piece.text.size(), piece.text.begin());
      --*piece.held;
    }
    from += piece.text.size();
  }
  stream.text.clear();
  stream.pieces.clear();
  stream.line = 0;
}

void SessionText::end_side(std::string_view session, Side side) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  Stream& stream = side == Side::Client ? found->second->client : found->second->server;
  complete(stream, session, side, true);
  stream.midway = false;
}

void SessionText::end_session(std::string_view session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  complete(found->second->client, session, Side::Client, true);
  complete(found->second->server, session, Side::Server, true);
  sessions_.erase(found);
}

void SessionText::end_all() {
  for (auto& [session, streams] : sessions_) {
    complete(streams->client, session, Side::Client, streams->client.text.ends_with('\n'));
    complete(streams->server, session, Side::Server, streams->server.text.ends_with('\n'));
  }
}

}  // namespace smtptape
