// Parses the command line, runs the command, reports what went wrong: one line.
#include <csignal>
#include <cstdlib>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/options/mistakes.h"
#include "cli/text/output.h"
#include "cli/version.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

std::string given_endpoint;  // --endpoint before the subcommand

constexpr std::string_view kHelp = "help";
constexpr std::string_view kVersionFlag = "--version";

constexpr const char* kAbout =
    "Records the SMTP sessions that KumoMTA streams (kcli trace-smtp-client) and replays them "
    "offline as if live.";

constexpr const char* kFooter = R"(Examples:
  smtptape capture --store /var/lib/smtptape      record this machine's kumod until Ctrl-C
  smtptape replay /var/lib/smtptape --tenant acme --since "yesterday 22:00"

smtptape help COMMAND tells more of each.)";

// The options and names that a part of the command line understands.
class Names {
 public:
  explicit Names(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames())
        add("--" + name, *option);
      for (const std::string& name : option->get_snames())
        add("-" + name, *option);
    }
  }
  [[nodiscard]] bool takes_value(const std::string& name) const {
    const auto found = takes_value_.find(name);
    return found != takes_value_.end() && found->second;
  }
  [[nodiscard]] bool knows(const std::string& name) const { return takes_value_.contains(name); }
  [[nodiscard]] std::vector<std::string> all() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : takes_value_)
      names.push_back(name);
    return names;
  }

 private:
  void add(const std::string& name, const CLI::Option& option) {
    takes_value_[name] = option.get_items_expected_max() > 0;
  }
  std::map<std::string, bool> takes_value_;
};

// Help as a reader wants it: what it is for, two examples to copy, then the options.
// One empty line between two groups, where CLI11 leaves two.
std::string single_spaced(std::string help) {
  for (std::size_t at = 0; (at = help.find("\n\n\n", at)) != std::string::npos;)
    help.erase(at, 1);
  return help;
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override {
    return CLI::Formatter::make_description(app) + "\n" + app->get_footer() + "\n\n";
  }
  std::string make_footer(const CLI::App* /*app*/) const override { return ""; }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = "Usage: " + name;
    if (app->get_parent() == nullptr) usage += " [--endpoint URL] COMMAND";
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional()) continue;
      usage += " " + option->get_name() + (option->get_expected_max() > 1 ? "..." : "");
    }
    return usage + " [OPTIONS]\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const bool shown = option->get_items_expected_max() > 0 && !option->get_positional();
    return shown ? " " + option->get_type_name() : "";
  }
};

class Program {
 public:
  explicit Program(std::vector<std::unique_ptr<Command>> commands)
      : app_(kAbout, "smtptape"), commands_(std::move(commands)) {
    app_.set_version_flag("-V,--version", std::string("smtptape ") + kVersion);
    app_.footer(kFooter);
    app_.formatter(std::make_shared<HelpFormatter>());
    Options options(app_);
    options.value(
        "--endpoint",
        given_endpoint,
        "URL",
        "For trace-smtp-client: kumod's HTTP listener, as for kcli (or KUMO_KCLI_ENDPOINT)");
    for (const auto& command : commands_) {
      CLI::App* const sub =
          app_.add_subcommand(std::string(command->name()), std::string(command->summary()));
      sub->footer("Examples:\n" + std::string(command->examples()));
      Options sub_options(*sub);
      command->describe(sub_options);
    }
  }

  int run(std::vector<std::string> words) {
    if (words.empty()) {
      say_raw(app_.help());
      return static_cast<int>(Exit::Usage);
    }
    std::size_t place = place_of_subcommand(words);
    if (place < words.size() && words[place] == kHelp) {
      std::erase(words, kHelp);
      words.emplace_back("--help");
      place = place_of_subcommand(words);
    }
    if (place < words.size()) {
      const std::string& name = words[place];
      for (const auto& command : commands_) {
        if (command->name() == name) command_ = command.get();
      }
      // The option of a command in front of its name: what follows may be its value.
      const bool misled = place > 0 && !Names(app_).knows(words[place - 1]) &&
                          !commands_with(words[place - 1]).empty();
      if (command_ == nullptr && !misled) return unknown_command(name);
    }
    return parse(words);
  }

 private:
  // The first word that is neither an option nor the value of one.
  std::size_t place_of_subcommand(const std::vector<std::string>& words) const {
    const Names names(app_);
    std::size_t i = 0;
    for (; i < words.size() && words[i].starts_with('-'); ++i) {
      if (names.takes_value(words[i])) ++i;
    }
    return i;
  }

  int unknown_command(const std::string& name) const {
    std::vector<std::string> known{std::string(kHelp), "--version"};
    for (const auto& command : commands_)
      known.emplace_back(command->name());
    const std::string meant = closest(name, known);
    say("there is no command \"" + name + "\"" +
        (meant.empty() ? "; smtptape help lists them" : "; did you mean " + meant + "?"));
    return static_cast<int>(Exit::Usage);
  }

  [[nodiscard]] const CLI::App& app_of(const Command& command) const {
    return *app_.get_subcommand(std::string(command.name()));
  }

  int parse(const std::vector<std::string>& words) {
    const CLI::App& sub = command_ == nullptr ? app_ : app_of(*command_);
    const Names own(sub);
    const Names global(app_);
    if (const auto wrong = wrong_options(words, own, global); !wrong.empty()) {
      for (const std::string& line : wrong)
        say(line);
      return static_cast<int>(Exit::Usage);
    }
    auto marked = mark_values(words, [&](const std::string& name) {
      return own.takes_value(name) || global.takes_value(name);
    });
    // CLI11 wants the words backwards, and the global flag in front of the command.
    if (std::erase(marked, kVersionFlag) > 0)
      marked.insert(marked.begin(), std::string(kVersionFlag));
    std::reverse(marked.begin(), marked.end());
    try {
      app_.parse(marked);
    } catch (const CLI::CallForHelp&) {
      StandardOutput().write(single_spaced(sub.help(command_ == nullptr ? "" : "smtptape")));
      return 0;
    } catch (const CLI::CallForVersion&) {
      StandardOutput().write(std::string("smtptape ") + kVersion + "\n");
      return 0;
    } catch (const CLI::ParseError& error) {
      return usage(explain(error));
    }
    if (command_ == nullptr) return usage("give a command; smtptape help lists them");
    return command_->run();
  }

  // Of each option that can't stand where it stands, what is wrong.
  [[nodiscard]] std::vector<std::string> wrong_options(const std::vector<std::string>& words,
                                                       const Names& own,
                                                       const Names& global) const {
    std::vector<std::string> wrong;
    const std::size_t place = place_of_subcommand(words);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") break;
      if (word == "-" || !word.starts_with('-')) continue;
      const std::string name = word.substr(0, word.find('='));
      const bool is_short = !name.starts_with("--") && own.knows(name.substr(0, 2));
      const bool has_value = word.find('=') != std::string::npos;
      const bool known = i < place ? global.knows(name) : own.knows(name) || is_short;
      // --version is said wherever it is asked.
      if (!known && name != kVersionFlag) {
        const bool alone = has_value || i + 1 == words.size();
        const std::string given = alone ? word : word + " " + words[i + 1];
        wrong.push_back(is_misplaced(name, own, global) ? misplaced_option(name, given, i < place)
                                                        : unknown_option(name, own));
      }
      if (takes_value(name, own, global) && !has_value) ++i;
    }
    return wrong;
  }

  // Of one that only other commands know, they say it.
  [[nodiscard]] bool takes_value(const std::string& name,
                                 const Names& own,
                                 const Names& global) const {
    if (own.knows(name) || global.knows(name)) {
      return own.takes_value(name) || global.takes_value(name);
    }
    return std::any_of(commands_.begin(), commands_.end(), [&](const auto& command) {
      return Names(app_of(*command)).takes_value(name);
    });
  }

  // It is known on the other side of the command's name.
  [[nodiscard]] bool is_misplaced(const std::string& name,
                                  const Names& own,
                                  const Names& global) const {
    if (command_ == nullptr) return false;
    return own.knows(name) || (global.knows(name) && command_->name() == "trace-smtp-client");
  }

  [[nodiscard]] std::string misplaced_option(const std::string& name,
                                             const std::string& given,
                                             bool in_front) const {
    const std::string command(command_->name());
    if (in_front) {
      return name + " stands behind the command: smtptape " + command + " " + given;
    }
    return name + " stands before the command, as kcli has it: smtptape " + given + " " + command;
  }

  [[nodiscard]] std::string unknown_option(const std::string& name, const Names& own) const {
    // Between two letters there is no likeness.
    const std::string meant = name.starts_with("--") ? closest(name, own.all()) : "";
    std::string text = "unknown option " + name;
    if (const std::string others = commands_with(name); !others.empty()) {
      text = (command_ == nullptr ? "an option of a command stands behind its name: "
                                  : std::string(command_->name()) + ": ") +
             name + " is an option of " + others;
    } else if (!meant.empty()) {
      text += "; did you mean " + meant + "?";
    }
    return text + more();
  }

  // "replay, export"; empty: no command knows it.
  [[nodiscard]] std::string commands_with(const std::string& option) const {
    std::string found;
    for (const auto& command : commands_) {
      if (!Names(app_of(*command)).knows(option)) continue;
      found += (found.empty() ? "" : ", ") + std::string(command->name());
    }
    return found;
  }

  [[nodiscard]] std::string explain(const CLI::ParseError& error) const {
    std::string text = error.what();
    if (text.ends_with(" is required")) {
      text.resize(text.size() - std::string_view(" is required").size());
      return text + " is missing";
    }
    if (error.get_name() == "ArgumentMismatch") {
      const std::string option = text.substr(0, text.find(':'));
      return option + (text.find("missing") != std::string::npos ? ": its value is missing"
                                                                 : ": give it once");
    }
    std::erase(text, '\x01');
    if (text.starts_with("The following argument")) {
      const std::size_t words = text.find(": ");
      return "no option takes" + (words == std::string::npos ? "" : text.substr(words + 1));
    }
    return text;
  }

  // Where more is told.
  [[nodiscard]] std::string more() const {
    const std::string command = command_ == nullptr ? "" : std::string(command_->name()) + " ";
    return " (smtptape " + command + "--help tells more)";
  }

  [[nodiscard]] int usage(const std::string& what) const {
    say(what + more());
    return static_cast<int>(Exit::Usage);
  }

  CLI::App app_;
  std::vector<std::unique_ptr<Command>> commands_;

 public:
  Command* command_ = nullptr;
};

}  // namespace

std::string leading_endpoint() {
  return given_endpoint;
}

std::string kcli_endpoint() {
  if (!given_endpoint.empty()) return given_endpoint;
  const char* const set = std::getenv("KUMO_KCLI_ENDPOINT");
  if (set != nullptr && is_utf8(set)) return set;
  return "http://127.0.0.1:8000";
}

int run_program(const std::vector<std::string>& arguments) {
  // write() tells of a closed output, and of a file that may not grow.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  given_endpoint.clear();
  Program program(all_commands());
  try {
    return program.run(arguments);
  } catch (const OutputClosed&) {
    const bool as_live = program.command_ != nullptr && program.command_->as_live();
    return static_cast<int>(as_live ? Exit::KcliPanic : Exit::Done);
  } catch (const AsKcliError& error) {
    say_raw("Error: " + visible(error.what()));
    return static_cast<int>(error.exit());
  } catch (const UsageErrors& errors) {
    for (const std::string& line : errors.lines())
      say(line);
    return static_cast<int>(errors.exit());
  } catch (const Error& error) {
    say(error.what());
    return static_cast<int>(error.exit());
  } catch (const std::bad_alloc&) {
    say("out of memory");
  } catch (const std::exception& error) {
    say(std::string("failed: ") + error.what());
  }
  return static_cast<int>(Exit::Failed);
}

}  // namespace smtptape
