#include "replay/grouped_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr const char* kFile = "a temporary file (in TMPDIR, or /tmp)";

template <class Head>
void append_head(std::string& to, const Head& head) {
  const std::size_t at = to.size();
  to.resize(at + sizeof head);
  std::memcpy(to.data() + at, &head, sizeof head);
}

// Our own file: what is missing in it was taken away while we run.
void read_whole(int fd, char* to, std::size_t size, std::uint64_t at) {
  while (size > 0) {
    const std::size_t got = read_at(fd, to, size, at, kFile);
    if (got == 0) throw Error(std::string("reading ") + kFile + ": it ends too early");
    to += got;
    size -= got;
    at += got;
  }
}

}  // namespace

void GroupedText::add(std::string_view session, const PrintedEvent& event) {
  std::string& text = in_memory_[number_of(session)];
  append_head(text, EventHead{event.received, event.text.size()});
  text += event.text;
  bytes_in_memory_ += sizeof(EventHead) + event.text.size();
  if (bytes_in_memory_ > bounds_.bytes_in_memory) move_to_file();
}

GroupedText::Number GroupedText::number_of(std::string_view session) {
  if (session.empty()) return new_session();
  const auto [found, is_new] = numbers_.try_emplace(hash128(session), 0);
  if (is_new) found->second = new_session();
  return found->second;
}

GroupedText::Number GroupedText::new_session() {
  if (last_pieces_.size() >= bounds_.sessions) {
    throw Error("--group: more than " + std::to_string(bounds_.sessions) +
                " sessions to bring into order; choose fewer, with --since and --until, -n, or "
                "a filter");
  }
  last_pieces_.push_back(kNone);
  return static_cast<Number>(last_pieces_.size() - 1);
}

void GroupedText::move_to_file() {
  if (!file_) file_ = unlinked_file();
  std::string out;
  for (const auto& [session, text] : in_memory_) {
    const std::uint64_t at = file_bytes_ + out.size();
    append_head(out, PieceHead{std::exchange(last_pieces_[session], at), text.size()});
    out += text;
    if (out.size() < (1U << 20U)) continue;
    write_all(file_.get(), out, kFile);
    file_bytes_ += out.size();
    out.clear();
  }
  write_all(file_.get(), out, kFile);
  file_bytes_ += out.size();
  in_memory_.clear();
  bytes_in_memory_ = 0;
}

std::vector<GroupedText::Piece> GroupedText::pieces_of(Number session) const {
  std::vector<Piece> pieces;
  for (std::uint64_t at = last_pieces_[session]; at != kNone;) {
    PieceHead head{};
    read_whole(file_.get(), reinterpret_cast<char*>(&head), sizeof head, at);
    pieces.push_back({at + sizeof head, head.bytes});
    at = head.before;
  }
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

bool GroupedText::show_session(Number session, const Show& show) const {
  bool begins = true;
  const auto show_all = [&](std::string_view rest) {
    while (!rest.empty()) {
      EventHead head{};
      std::memcpy(&head, rest.data(), sizeof head);
      rest.remove_prefix(sizeof head);
      const PrintedEvent event{head.received, rest.substr(0, head.bytes)};
      if (!show(event, std::exchange(begins, false))) return false;
      rest.remove_prefix(head.bytes);
    }
    return true;
  };
  std::string text;
  for (const Piece& piece : pieces_of(session)) {
    text.resize(piece.bytes);
    read_whole(file_.get(), text.data(), piece.bytes, piece.at);
    if (!show_all(text)) return false;
  }
  const auto rest = in_memory_.find(session);
  return rest == in_memory_.end() || show_all(rest->second);
}

void GroupedText::for_each(Order order, const Show& show) const {
  const auto count = static_cast<Number>(last_pieces_.size());
  for (Number i = 0; i < count; ++i) {
    if (!show_session(order == Order::OldestFirst ? i : count - 1 - i, show)) return;
  }
}

}  // namespace smtptape
