// Codes of replies, as a person asks for them: "421", "4xx", "4.7.1", "5.7.*".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

class ReplyCodes {
 public:
  // Adds the codes of a list with commas.  Throws UsageError that says what a code looks like.
  void add(std::string_view list);
  [[nodiscard]] bool empty() const { return basic_.empty() && enhanced_.empty(); }

  // `text`: of the reply, its code too.  An enhanced code of a failure counts in a failure only.
  [[nodiscard]] bool match(std::uint16_t code, std::string_view text) const;
  // A reply that matches has no code below this one.
  [[nodiscard]] std::uint16_t least() const;

 private:
  static constexpr char kAny = 'x';
  using Basic = std::array<char, 3>;            // digits, or kAny
  using Enhanced = std::array<std::string, 3>;  // numbers; empty: any

  void add_one(std::string_view code);
  [[nodiscard]] static bool matches(const Basic& wanted, std::uint16_t code);
  [[nodiscard]] static bool matches(const Enhanced& wanted, std::string_view code);

  std::vector<Basic> basic_;
  std::vector<Enhanced> enhanced_;
};

// What stands between the commas of a list, without the blanks around it.
[[nodiscard]] std::vector<std::string_view> between_commas(std::string_view list);

}  // namespace smtptape
