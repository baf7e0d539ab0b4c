// What each side of each session said, in units that belong together, however it was split into
// events: a client's line, a server's reply with all its lines.
//
// A unit may be overwritten, but keeps its length: every event keeps its own.  One whose end has
// not come is held back; it is given up as it is when its connection ends, when it grows too large,
// or when the caller has to go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/meta.h"
#include "share/redact/texts.h"

namespace smtptape {

class SessionText {
 public:
  static constexpr std::size_t kMostUnit = 256 << 10;  // bytes that are held back of one
  static constexpr std::size_t kMostSessions = 100'000;

  enum class Side : std::uint8_t { Client, Server };
  struct Unit {
    Side side = Side::Client;
    std::span<char> text;
    const Meta* meta = nullptr;  // of the event that ended it
    std::string_view session;
    bool begins_midway = false;  // what came before of its line was given up
  };
  using Take = std::function<void(const Unit& unit)>;
  explicit SessionText(Take take) : take_(std::move(take)) {}

  // The text of an event.  `held` counts what is held back of it: the text stays where it is until
  // that is 0 again, and is overwritten as the units are.  Null: nobody wants it back.
  struct Piece {
    std::span<char> text;
    std::size_t* held = nullptr;
  };
  void add(std::string_view session, Side side, Piece piece, const Meta* meta);
  // Nothing goes on: what is held back of the session's side, or of both, is complete.
  void end_side(std::string_view session, Side side);
  void end_session(std::string_view session);
  void end_all();

 private:
  struct Stream {
    std::string text;  // not complete
    std::vector<Piece> pieces;
    std::size_t line = 0;  // where its last line begins
    bool midway = false;
    MetaPtr meta;
  };
  struct Session {
    Stream client;
    Stream server;
  };
  using Sessions = TextMap<std::unique_ptr<Session>>;

  void add_to(Stream& stream, std::string_view session, Side side, Piece piece, const Meta* meta);
  void complete(Stream& stream, std::string_view session, Side side, bool line_ends);
  [[nodiscard]] static std::size_t unit_end(Side side, std::string_view text, std::size_t& line);

  Take take_;
  Sessions sessions_;
};

}  // namespace smtptape
