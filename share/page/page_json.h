// What a page knows of its sessions, as JSON: docs/page.md has the fields.
#pragma once

#include <cstddef>
#include <string>

#include <boost/json/object.hpp>

#include "share/page/page_session.h"

namespace smtptape {

inline constexpr std::string_view kPageSchema = "smtptape.page/1";

// All of it: what `show --json` prints, and the transcript.  A line, with its end.
[[nodiscard]] std::string details_of(const PageSession& session);

// Where the details stand: in which block, and in which of its lines.
struct PagePlace {
  std::size_t block = 0;
  std::size_t line = 0;
};
// A row of the list: what `sessions --json` prints, and what is searched.  A line, with its end.
[[nodiscard]] std::string row_of(const PageSession& session, PagePlace place);

}  // namespace smtptape
