#include "store/keep/last_tape.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

namespace {

LastTape read_sealed(const TapeSummary& summary) {
  LastTape last;
  last.place.tape_id = summary.header.tape_id;
  last.last_received = summary.header.clock.realtime;
  for (const GroupIndex& group : summary.footer.groups) {
    last.place.end_offset = group.offset + group.bytes;
    if (group.events == 0) continue;
    last.place.last_sequence = group.last_sequence;
    last.last_received = group.last_received;
  }
  return last;
}

// A tape as its header and what stands from some place on.
class HeaderAndTail : public ByteSource {
 public:
  HeaderAndTail(int fd, const TapeTail& tail, const std::string& name)
      : fd_(fd), name_(name), header_left_(tail.header_bytes), tail_(tail.offset) {}

  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    if (header_left_ > 0) size = std::min<std::uint64_t>(size, header_left_);
    const std::size_t read = read_at(to, size, header_left_ > 0 ? at_ : tail_);
    if (header_left_ > 0) {
      at_ += read;
      header_left_ -= read;
    } else {
      tail_ += read;
    }
    return read;
  }

 private:
  [[nodiscard]] std::size_t read_at(char* to, std::size_t size, std::uint64_t offset) const {
    for (;;) {
      const ssize_t got = ::pread(fd_, to, size, static_cast<off_t>(offset));
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw system_error("reading " + name_, errno);
    }
  }

  int fd_;
  const std::string& name_;
  std::uint64_t at_ = 0;
  std::uint64_t header_left_;
  std::uint64_t tail_;
};

// Reads on behind what is known.
std::optional<LastTape> read_rest(TapeReader& reader, LastTape last, std::uint64_t skipped) {
  std::optional<std::int64_t> received;
  EventBatch batch;
  while (reader.next(batch)) {
    if (batch.events.empty()) continue;
    last.place.last_sequence = batch.events.back().sequence;
    received = batch.events.back().received;
  }
  if (!reader.header()) return std::nullopt;
  last.place.tape_id = reader.header()->tape_id;
  last.place.end_offset = reader.good_until() + skipped;
  if (received) last.last_received = *received;
  return last;
}

std::optional<LastTape> read_unclosed(UniqueFd fd, const std::string& name) {
  LastTape last;
  if (const std::optional<TapeTail> tail = read_tail(fd.get())) {
    last.last_received = tail->header.clock.realtime;
    if (tail->last_group && tail->last_group->events > 0) {
      last.place.last_sequence = tail->last_group->last_sequence;
      last.last_received = tail->last_group->last_received;
    }
    HeaderAndTail source(fd.get(), *tail, name);
    TapeReader reader(source, name);
    return read_rest(reader, last, tail->offset - tail->header_bytes);
  }
  FdSource source(std::move(fd), name);
  TapeReader reader(source, name);
  std::optional<LastTape> found = read_rest(reader, last, 0);
  if (found && found->last_received == 0) found->last_received = reader.header()->clock.realtime;
  return found;
}

std::optional<LastTape> read_tape(const Store::Tape& tape) {
  UniqueFd fd = open_for_reading(tape.path, Links::Refuse);
  if (const auto summary = read_summary(fd.get())) return read_sealed(*summary);
  return read_unclosed(std::move(fd), tape.path.string());
}

}  // namespace

std::optional<LastTape> find_last_tape(std::span<const Store::Tape> newest) {
  for (auto tape = newest.rbegin(); tape != newest.rend(); ++tape) {
    try {
      if (std::optional<LastTape> last = read_tape(*tape)) return last;
    } catch (const Error&) {  // no tape, or one of a newer program
    }
  }
  return std::nullopt;
}

}  // namespace smtptape
