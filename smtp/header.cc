#include "smtp/header.h"

#include "smtp/words.h"

namespace smtptape {

namespace {

// Of the line end at the start of `text`.
std::size_t size_of_line_end(std::string_view text) {
  return text.starts_with("\r\n") ? 2 : 1;
}

}  // namespace

std::size_t HeaderReader::take(std::string_view text) {
  if (place_ == Place::Body) return 0;
  std::size_t size = after_cr_ && text.starts_with('\n') ? 1 : 0;
  while (size < text.size() && place_ != Place::Body) {
    const std::string_view rest = text.substr(size);
    const std::string_view content = rest.substr(0, rest.find_first_of("\r\n"));
    const bool finished = content.size() < rest.size();
    const std::size_t line =
        finished ? content.size() + size_of_line_end(rest.substr(content.size())) : content.size();
    if (bytes_ + line > kMostBytes || line_ + content.size() > kMostLine) {
      end();
    } else if (take_line(content, finished)) {
      size += line;
      bytes_ += line;
      line_ = finished ? 0 : line_ + line;
    }
  }
  after_cr_ = place_ == Place::Fields && text.ends_with('\r');
  return size;
}

// False: the header ends before it.
bool HeaderReader::take_line(std::string_view content, bool finished) {
  const bool blank = content.find_first_not_of(kBlanks) == std::string_view::npos;
  const bool folded = place_ == Place::Fields && !content.empty() &&
                      kBlanks.find(content.front()) != std::string_view::npos;
  if (content.empty() && finished && place_ != Place::InField) {
    end();
    return true;
  }
  const bool is_field = folded ? !(blank && finished) : is_header_field(content);
  if (place_ != Place::InField && !is_field) {
    end();
    return false;
  }
  place_ = finished ? Place::Fields : Place::InField;
  return true;
}

}  // namespace smtptape
