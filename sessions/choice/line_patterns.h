// Regular expressions that a line has to match, and the lines of one side of a dialogue, whose
// events are pieces of text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}  // namespace re2

namespace smtptape {

// Any number of threads at once.
class LinePatterns {
 public:
  static constexpr std::size_t kMostBytes = 4096;  // of a pattern

  enum class Case : std::uint8_t { Heeded, Ignored };
  // Throws UsageError that says what is wrong with the pattern, in RE2's words.
  void add(std::string_view pattern, Case upper_and_lower, std::string_view option);
  // A text that is looked for as it is.
  void add_text(std::string_view text, Case upper_and_lower);
  [[nodiscard]] bool empty() const { return patterns_.empty(); }

  // Somewhere in the text, which is a line without its end: "^" and "$" are its own.
  [[nodiscard]] bool match(std::string_view line) const;
  // A pattern that says "nothing" somewhere, as "x*" does.
  [[nodiscard]] bool match_nothing() const;
  // Calls `take` for the beginning and the end of each match, pattern by pattern; none is empty,
  // and those of one pattern don't overlap.  What is farther apart than kMostMatch is not seen to
  // be one: the cost is linear in the text whatever the patterns are.
  static constexpr std::size_t kMostMatch = 4096;
  using Take = std::function<void(std::size_t from, std::size_t to)>;
  void each_match(std::string_view text, const Take& take) const;

 private:
  std::vector<std::shared_ptr<const re2::RE2>> patterns_;
};

// The beginning of a line, whose end comes with a later event.  Lines end in LF; a CR before it
// belongs to the end.
class LineBeginning {
 public:
  static constexpr std::size_t kMostBytes = 1 << 20;  // of a line; more is another line

  // Gives each line that is complete to `use`, a function of a string_view.
  template <class Use>
  void take(std::string_view text, Use use) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) {
        keep(text, use);
        return;
      }
      complete(text.substr(0, end), use);
      text.remove_prefix(end + 1);
    }
  }
  // Nothing more of it comes.
  template <class Use>
  void end(Use use) {
    if (!text_.empty()) use(std::string_view(text_));
    text_.clear();
  }

 private:
  template <class Use>
  void keep(std::string_view text, Use use) {
    while (text_.size() + text.size() > kMostBytes) {
      const std::size_t fits = kMostBytes - text_.size();
      text_.append(text.substr(0, fits));
      text.remove_prefix(fits);
      end(use);
    }
    text_.append(text);
  }
  template <class Use>
  void complete(std::string_view rest, Use use) {
    if (!text_.empty()) {
      text_.append(rest);
      rest = text_;
    }
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    use(rest);
    text_.clear();
  }

  std::string text_;
};

}  // namespace smtptape
