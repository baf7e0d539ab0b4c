#include "tests/replay/transcript.h"

#include <algorithm>
#include <optional>

#include "format/event.h"
#include "format/wire/wire.h"

namespace smtptape {

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Transcript render_feed(std::string_view feed, const RenderOptions& options, Server server) {
  WireDecoder decoder;
  EventBatch batch;
  for (const std::string_view frame : split_lines(feed)) {
    Event& event = decoder.decode(frame, Opcode::Text, batch);
    if (server == Server::Abbreviates) abbreviate(event, batch.arena);
  }
  Renderer renderer(options);
  Transcript transcript;
  const std::optional<Ending> ending = renderer.render(batch.events, transcript.text);
  if (ending) {
    transcript.ended = true;
    transcript.exit = ending->exit;
    transcript.message = ending->message;
  }
  transcript.unreadable = renderer.unreadable();
  transcript.stepped_back = renderer.stepped_back();
  transcript.forgotten = renderer.forgotten();
  return transcript;
}

}  // namespace smtptape
