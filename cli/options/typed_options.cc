#include "cli/options/typed_options.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/visible_text.h"

namespace smtptape {

namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
  }
  return names;
}

bool takes_value(const CLI::App& app, const std::string& name) {
  const CLI::Option* const option = app.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_max() > 0;
}

void refuse_others(const CLI::App& app, const std::vector<std::string>& words) {
  const std::vector<std::string> known = names_of(app);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string name = words[i].substr(0, words[i].find('='));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string meant = name.starts_with("--") ? closest(name, known) : "";
      throw UsageError("\"" + name + "\" is no option here" +
                       (meant.empty() ? "" : "; did you mean " + meant + "?"));
    }
    if (!takes_value(app, name) || name.size() < words[i].size()) continue;
    if (++i == words.size()) throw UsageError(name + ": wants a value");
  }
}

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const bool escaped = c == '\\' && quote != '\'' && at + 1 < line.size();
    if (escaped) {
      const bool is_kept = quote == '"' && line[at + 1] != '"' && line[at + 1] != '\\';
      if (is_kept) words.back() += c;
      words.back() += line[++at];
    } else if (quote == 0 ? c == '"' || c == '\'' : c == quote) {
      quote = quote == 0 ? c : '\0';
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) throw UsageError(std::string("the quote ") + quote + " is not closed");
  return words;
}

std::string parse_typed(std::string_view line, const std::function<void(Options&)>& describe) {
  CLI::App app;
  app.set_help_flag();
  Options options(app);
  describe(options);
  const std::vector<std::string> words = split_words(line);
  refuse_others(app, words);
  std::vector<std::string> marked =
      mark_values(words, [&app](const std::string& name) { return takes_value(app, name); });
  std::reverse(marked.begin(), marked.end());
  try {
    app.parse(marked);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  std::string spelled;
  for (const std::string& word : words)
    spelled += (spelled.empty() ? "" : " ") + shell_word(word);
  return spelled;
}

}  // namespace smtptape
