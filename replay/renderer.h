// Events to the text that `kcli trace-smtp-client` prints, byte for byte.
//
// Pure: appends to a string and remembers what kcli remembers, which is when each session was first
// seen and its metadata as last shown.  A session is forgotten at Closed only, as in kcli, unless
// very many are open (open_sessions.h).
// Filters and the server's own abbreviation are applied before.
//
//     Renderer renderer(options);
//     while (source.next(batch)) {
//       const std::optional<Ending> ending = renderer.render(batch.events, text);
//       …write `text`, clear it…
//       if (ending) return finish(*ending);
//     }
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/wall_time.h"
#include "format/event.h"
#include "format/meta.h"
#include "replay/kcli_text.h"
#include "replay/open_sessions.h"

namespace smtptape {

// What happens where kcli would give up.
enum class Behaviour : std::uint8_t {
  Documented,  // says what is odd and goes on
  AsLive,      // ends as kcli ends
};

struct RenderOptions {
  bool color = false;
  bool only_new = false;  // --only-new: sessions whose BeginSession is seen
  bool only_one = false;  // --only-one: the first session, to the end of its first connection
  // For a terminal: what kcli prints as it came (ids, keys, values, diagnostics) is escaped where
  // it would move the cursor or forge a line.
  bool visible = false;
  bool prefix = true;  // [KEY] DELTA, before each line; false: for those who show these beside it
  bool terse = false;  // what kcli itself does: the first line of what is written
  KcliProfile profile = KcliProfile::HalfUp;
  Behaviour behaviour = Behaviour::Documented;
};

// There is nothing more to print: --only-one has its connection, or kcli would end here.
struct Ending {
  Exit exit = Exit::Done;
  std::string message;  // for stderr, one line without its end; empty: silent
};

class Renderer {
 public:
  explicit Renderer(const RenderOptions& options);

  // Appends the text of `events` to `out`; nullopt: go on with the next ones.  At an ending
  // the events behind it are left alone; it is not to be called again.
  [[nodiscard]] std::optional<Ending> render(std::span<const Event> events, std::string& out);

  // Sessions that began so far, or began anew after their end.
  [[nodiscard]] std::uint64_t begun() const { return begun_; }
  // Frames shown as unknown or unreadable so far.
  [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }
  // Sessions in which an event was earlier than the first one.
  [[nodiscard]] std::uint64_t stepped_back() const { return stepped_back_; }
  // Sessions that were forgotten because too many were open: what comes of one is shown as if it
  // began there.  AsLive none is.
  [[nodiscard]] std::uint64_t forgotten() const { return sessions_.forgotten(); }
  // Events of whose text something was left out or overwritten when they were recorded.  In the
  // text the one is told and the other can be seen; AsLive both pass silently.
  [[nodiscard]] std::uint64_t altered() const { return altered_; }

 private:
  using Session = OpenSessions::Session;

  struct Colors {
    std::string_view read;
    std::string_view write;
    std::string_view error;
    std::string_view reset;
  };

  std::optional<Ending> render_one(const Event& event, std::string& out);
  [[nodiscard]] bool is_unwanted(std::string_view key) const;
  const Session* open(std::string_view key, WallTime when);
  void count_step_back(const Session& session);
  void start_prefix(std::string_view key, std::string_view delta);
  [[nodiscard]] std::string_view prefix() const {
    return std::string_view(line_start_).substr(0, prefix_size_);
  }
  void show_meta(const Session& session, const Meta& meta, std::string& out);

  void append_raw(std::string_view text, std::string& out) const;
  void append_payload(const Event& event, std::string& out);
  void append_read(std::string_view text, std::string& out);
  void append_write(const Event& event, std::string& out);
  void start_lines(std::string_view color, std::string_view arrow);
  void append_line(std::string_view line, std::string& out) const;
  void append_byte_count(std::uint64_t bytes, std::string& out) const;
  void append_what_is_missing(const Event& event, std::string& out) const;
  void append_diagnostic(const Event& event, std::string& out) const;
  void append_unknown(const Verbatim& verbatim, std::string& out);
  void append_unreadable(const Event& event, std::string& out);

  RenderOptions options_;
  Colors colors_;
  OpenSessions sessions_;
  std::optional<std::string> wanted_;  // --only-one: the session it has locked on to
  std::uint64_t begun_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t stepped_back_ = 0;
  std::uint64_t altered_ = 0;

  // Made once per event, used for each of its lines.
  std::string line_start_;       // the prefix, the colour and the arrow
  std::size_t prefix_size_ = 0;  // of these: "[KEY] DELTA "
  std::string line_end_;
};

}  // namespace smtptape
