// The first sessions of a page as plain HTML: what is read where there is no script, or no browser
// that can unpack the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "share/page/page.h"
#include "share/page/page_session.h"

namespace smtptape {

inline constexpr std::size_t kMostPlain = 20;

struct PlainSession {
  std::int64_t first_received = 0;
  std::string html;
};

// Text in an element, or in a quoted attribute; visible, whatever it is.  Line ends stay.
[[nodiscard]] std::string as_html(std::string_view text);

[[nodiscard]] PlainSession plain_session(const PageSession& session);
// Before them: what this is, and what it needs to show all.
[[nodiscard]] std::string plain_words(const PageHeader& header,
                                      const PageTotals& totals,
                                      std::size_t plain);

}  // namespace smtptape
