// Parses the command line, runs the command, reports what went wrong: one line.
#include <csignal>
#include <cstdlib>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/text/output.h"
#include "cli/version.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

std::string given_endpoint;  // --endpoint before the subcommand

constexpr const char* kAbout =
    "Records the SMTP sessions that KumoMTA streams (kcli trace-smtp-client) and replays them "
    "offline as if live.";

constexpr const char* kFooter = R"(Examples:
  smtptape capture --store /var/lib/smtptape      record this machine's kumod until Ctrl-C
  smtptape replay /var/lib/smtptape --tenant acme --since "yesterday 22:00"

smtptape COMMAND --help tells more of each.)";

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
    app_.set_version_flag("--version", std::string("smtptape ") + kVersion);
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

  int run(const std::vector<std::string>& words) {
    if (words.empty()) {
      say_raw(app_.help());
      return static_cast<int>(Exit::Usage);
    }
    const std::size_t place = place_of_subcommand(words);
    if (place < words.size()) {
      const std::string& name = words[place];
      for (const auto& command : commands_) {
        if (command->name() == name) command_ = command.get();
      }
      if (command_ == nullptr) return unknown_command(name);
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
    std::vector<std::string> known;
    for (const auto& command : commands_)
      known.emplace_back(command->name());
    const std::string meant = closest(name, known);
    say("there is no command \"" + name + "\"" +
        (meant.empty() ? "; smtptape --help lists them" : "; did you mean " + meant + "?"));
    return static_cast<int>(Exit::Usage);
  }

  int parse(const std::vector<std::string>& words) {
    const CLI::App& sub =
        command_ == nullptr ? app_ : *app_.get_subcommand(std::string(command_->name()));
    const Names own(sub);
    const Names global(app_);
    if (const std::string wrong = first_unknown(words, own, global); !wrong.empty()) {
      return unknown_option(wrong, own);
    }
    auto marked = mark_values(words, [&](const std::string& name) {
      return own.takes_value(name) || global.takes_value(name);
    });
    std::reverse(marked.begin(), marked.end());  // as CLI11 wants it
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
    if (command_ == nullptr) return usage("give a command; smtptape --help lists them");
    return command_->run();
  }

  static std::string first_unknown(const std::vector<std::string>& words,
                                   const Names& own,
                                   const Names& global) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") return {};
      if (word == "-" || !word.starts_with('-')) continue;
      const std::string name = word.substr(0, word.find('='));
      const bool is_short = !name.starts_with("--") && own.knows(name.substr(0, 2));
      if (!own.knows(name) && !global.knows(name) && !is_short) return name;
      const bool takes_value = own.takes_value(name) || global.takes_value(name);
      if (takes_value && word.find('=') == std::string::npos) ++i;
    }
    return {};
  }

  [[nodiscard]] int unknown_option(const std::string& name, const Names& own) const {
    const std::string meant = closest(name, own.all());
    return usage("unknown option " + name + (meant.empty() ? "" : "; did you mean " + meant + "?"));
  }

  [[nodiscard]] std::string explain(const CLI::ParseError& error) const {
    std::string text = error.what();
    if (text.ends_with(" is required")) {
      text.resize(text.size() - std::string_view(" is required").size());
      return text + " is missing";
    }
    if (error.get_name() == "ArgumentMismatch") {
      const std::string option = text.substr(0, text.find(':'));
      return option + ": give it once, with one value";
    }
    std::erase(text, '\x01');
    if (text.starts_with("The following argument")) {
      const std::size_t words = text.find(": ");
      return "no option takes" + (words == std::string::npos ? "" : text.substr(words + 1));
    }
    return text;
  }

  [[nodiscard]] int usage(const std::string& what) const {
    const std::string command = command_ == nullptr ? "" : std::string(command_->name()) + " ";
    say(what + " (smtptape " + command + "--help tells more)");
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
