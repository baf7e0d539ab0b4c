// Which session an event is of, wherever two recorders saw one of the same name.
#pragma once

#include <string>

#include "format/event.h"

namespace smtptape {

inline void session_key(const Event& event, std::string& key) {
  key.clear();
  if (event.meta != nullptr && event.meta->session_id()) key.assign(*event.meta->session_id());
  if (event.origin == nullptr) return;
  key += '\0';
  key.append(reinterpret_cast<const char*>(event.origin->capture.bytes.data()),
             event.origin->capture.bytes.size());
}

}  // namespace smtptape
