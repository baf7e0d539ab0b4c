// What is promised of the events of any tape, shared by the fuzz targets that read tapes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/event.h"
#include "format/wire/wire.h"

namespace smtptape {

// The frame of each event; decoded again it is the same frame.
inline void append_frames(const EventBatch& batch, std::vector<std::string>& frames) {
  WireDecoder decoder;
  EventBatch again;
  for (const Event& event : batch.events) {
    std::string frame;
    append_frame(frame, event);
    SMTPTAPE_CHECK(frame.size() == frame_size(event));
    std::string second;
    append_frame(second, decoder.decode(frame, Opcode::Text, again));
    SMTPTAPE_CHECK(second == frame);
    frames.push_back(std::move(frame));
  }
}

}  // namespace smtptape
