#include "tests/replay/transcript.h"

#include <optional>

#include "format/event.h"
#include "format/wire/wire.h"
#include "tests/replay/golden_files.h"

namespace smtptape {

Transcript render_feed(std::string_view feed, const RenderOptions& options, Server server) {
  WireDecoder decoder;
  EventBatch batch;
  for (const std::string_view frame : split_frames(feed)) {
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
  return transcript;
}

}  // namespace smtptape
