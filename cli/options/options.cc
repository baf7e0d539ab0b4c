#include "cli/options/options.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/similar.h"
#include "base/visible_text.h"

namespace smtptape {

namespace {

// Stands before every value while CLI11 has it; no command line holds it, and no rule of CLI11
// about first characters or empty words applies.
constexpr char kMark = '\x01';

std::string unmarked(const std::string& word) {
  return !word.empty() && word.front() == kMark ? word.substr(1) : word;
}

// An option that takes one word at a time; `to` is a string or a path, or an optional one.
template <class Text>
CLI::Option* add_value(CLI::App& app, const std::string& name, Text& to, const std::string& help) {
  const auto store = [&to](const CLI::results_t& words) {
    to = unmarked(words.front());
    return true;
  };
  return app.add_option(name, store, help)->expected(1)->allow_extra_args(false);
}

}  // namespace

void Options::value(const std::string& name,
                    std::string& to,
                    const std::string& value_name,
                    const std::string& help) {
  add_value(app_, name, to, help)->type_name(value_name)->group(group_);
}

void Options::value(const std::string& name,
                    std::optional<std::string>& to,
                    const std::string& value_name,
                    const std::string& help) {
  add_value(app_, name, to, help)->type_name(value_name)->group(group_);
}

void Options::value(const std::string& name,
                    std::optional<std::filesystem::path>& to,
                    const std::string& value_name,
                    const std::string& help) {
  add_value(app_, name, to, help)->type_name(value_name)->group(group_);
}

void Options::values(const std::string& name,
                     std::vector<std::string>& to,
                     const std::string& value_name,
                     const std::string& help) {
  app_.add_option(
          name,
          [&to](const CLI::results_t& words) {
            std::transform(words.begin(), words.end(), std::back_inserter(to), unmarked);
            return true;
          },
          help)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name(value_name)
      ->group(group_);
}

void Options::flag(const std::string& name, bool& to, const std::string& help) {
  app_.add_flag(name, to, help)->group(group_);
}

void Options::positional(const std::string& name,
                         std::vector<std::string>& to,
                         Count count,
                         const std::string& help) {
  CLI::Option* const option = app_.add_option(
      name,
      [&to](const CLI::results_t& words) {
        std::transform(words.begin(), words.end(), std::back_inserter(to), unmarked);
        return true;
      },
      help);
  const bool any = count == Count::Any || count == Count::NoneOrAny;
  option->required(count == Count::Any || count == Count::One);
  option->type_name("")->expected(1, any ? 1 << 20 : 1);
  // Without it CLI11 fills a positional no further than its minimum.
  option->allow_extra_args(any);
}

std::string Options::given(const std::vector<std::string>& without) const {
  std::string out;
  for (const CLI::Option* const option : app_.get_options()) {
    if (option->count() == 0 || option->get_positional()) continue;
    const std::string& name = option->get_lnames().front();
    if (std::find(without.begin(), without.end(), name) != without.end()) continue;
    const bool takes_value = option->get_items_expected_max() > 0;
    for (const std::string& word : option->results())
      out += " --" + name + (takes_value ? " " + shell_word(unmarked(word)) : "");
  }
  return out;
}

std::vector<std::string> mark_values(const std::vector<std::string>& words,
                                     const std::function<bool(const std::string&)>& takes_value) {
  std::vector<std::string> out;
  bool only_positionals = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_positionals || word == "-") {
      out.push_back(kMark + word);
      continue;
    }
    if (word == "--") {
      only_positionals = true;
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (!word.starts_with('-') || !takes_value(name)) {
      out.push_back(word);
    } else if (equals != std::string::npos) {
      out.push_back(name);
      out.push_back(kMark + word.substr(equals + 1));
    } else {
      out.push_back(name);
      if (i + 1 < words.size()) out.push_back(kMark + words[++i]);
    }
  }
  return out;
}

std::string closest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = most_edits(word) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace smtptape
