// What a page tells of one session: its story, and its transcript event by event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "replay/renderer.h"
#include "sessions/story_builder.h"
#include "share/page/page_room.h"

namespace smtptape {

struct PageEvent {
  std::string_view kind;  // "read", "write", …; "gap": before the next one events are missing
  WallTime when;          // of a gap, that of the event before it
  std::string text;       // kcli's lines without their prefix, visible; of a gap, in words
  std::uint64_t left_out = 0;  // bytes at its end
};

struct PageSession {
  Story story;
  std::vector<PageEvent> transcript;
  std::uint64_t transcript_left_out = 0;  // events at its end, for which there was no room
  std::uint64_t held_events = 0;          // what it took of the page's room
  std::uint64_t held_bytes = 0;
  bool left_out = false;  // there was no room for it: the story may have no details
};

// For GatheredSessions.
class PageSessionBuilder {
 public:
  // `room` outlives it.
  PageSessionBuilder(std::string id, PageRoom& room);

  void add(const Event& event);
  void add_gaps(std::string_view what, std::uint64_t count);
  void note_gaps(std::string_view what, std::uint64_t count) { story_.note_gaps(what, count); }
  [[nodiscard]] PageSession finish();
  [[nodiscard]] bool is_closed() const { return story_.is_closed(); }

 private:
  void keep(PageEvent event);
  void leave_out();

  PageRoom* room_;
  StoryBuilder story_;
  Renderer renderer_;
  PageSession session_;
};

}  // namespace smtptape
