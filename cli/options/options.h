// Options as users expect them, on top of CLI11: each takes exactly one word as its value, given
// as `--x VALUE` or `--x=VALUE`; the value may be empty, begin with '-', or be an address in
// brackets.  (CLI11 alone would take the next flag for a value, and split "[::1]".)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace smtptape {

// Declares the options of one command.  What is bound must live until the command has run.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  // At most once.
  void value(const std::string& name,
             std::string& to,
             const std::string& value_name,
             const std::string& help);
  // Tells the empty value from none.
  void value(const std::string& name,
             std::optional<std::string>& to,
             const std::string& value_name,
             const std::string& help);
  void value(const std::string& name,
             std::optional<std::filesystem::path>& to,
             const std::string& value_name,
             const std::string& help);
  // Any number of times.
  void values(const std::string& name,
              std::vector<std::string>& to,
              const std::string& value_name,
              const std::string& help);
  void flag(const std::string& name, bool& to, const std::string& help);
  enum class Count : std::uint8_t { Any, NoneOrAny, One, NoneOrOne };  // Any: one at least
  void positional(const std::string& name,
                  std::vector<std::string>& to,
                  Count count,
                  const std::string& help);
  // What was given, as words of a shell: the options but for those of these names, no positionals.
  [[nodiscard]] std::string given(const std::vector<std::string>& without) const;
  // Heading of the options that follow in --help.
  void group(const std::string& title) { group_ = title; }

 private:
  CLI::App& app_;
  std::string group_ = "Options";
};

// The words of a command line with every value marked, so that CLI11 takes it as it is.
// `takes_value` tells of an option's name ("--tenant") whether a value follows.
[[nodiscard]] std::vector<std::string> mark_values(
    const std::vector<std::string>& words,
    const std::function<bool(const std::string&)>& takes_value);

// The nearest of `known` if one is near enough to be meant, else empty.
[[nodiscard]] std::string closest(std::string_view word, const std::vector<std::string>& known);

}  // namespace smtptape
