// A subcommand: describes its options, then runs with what was given.
//
// describe() touches nothing outside; so every rule about options can be tested without a file or
// a socket.  Adding a command: its file under cli/commands/, and a line in cli/commands.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/options/options.h"

namespace smtptape {

class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  // One line for the list of commands.
  [[nodiscard]] virtual std::string_view summary() const = 0;
  // Two or three command lines, each with a word of what it does.
  [[nodiscard]] virtual std::string_view examples() const = 0;
  virtual void describe(Options& options) = 0;
  // Throws Error; returns the exit code of the program.
  [[nodiscard]] virtual int run() = 0;
  // --as-live was given: then it ends as kcli does where standard output is closed.
  [[nodiscard]] virtual bool as_live() const { return false; }
};

// In the order in which --help lists them.
[[nodiscard]] std::vector<std::unique_ptr<Command>> all_commands();

std::unique_ptr<Command> make_capture_command();
std::unique_ptr<Command> make_status_command();
std::unique_ptr<Command> make_rotate_command();
std::unique_ptr<Command> make_snapshot_command();
std::unique_ptr<Command> make_replay_command();
std::unique_ptr<Command> make_sessions_command();
std::unique_ptr<Command> make_show_command();
std::unique_ptr<Command> make_stats_command();
std::unique_ptr<Command> make_top_command();
std::unique_ptr<Command> make_serve_command();
std::unique_ptr<Command> make_trace_smtp_client_command();
std::unique_ptr<Command> make_import_command();
std::unique_ptr<Command> make_export_command();
std::unique_ptr<Command> make_extract_command();
std::unique_ptr<Command> make_redact_command();
std::unique_ptr<Command> make_bundle_command();
std::unique_ptr<Command> make_open_command();
std::unique_ptr<Command> make_merge_command();
std::unique_ptr<Command> make_info_command();
std::unique_ptr<Command> make_verify_command();
std::unique_ptr<Command> make_recover_command();
std::unique_ptr<Command> make_compact_command();
std::unique_ptr<Command> make_prune_command();
std::unique_ptr<Command> make_doctor_command();

// The whole program: parses, runs, reports.  Returns the exit code.
[[nodiscard]] int run_program(const std::vector<std::string>& arguments);

// What --endpoint said before the subcommand, as kcli wants it; else the environment variable
// KUMO_KCLI_ENDPOINT; else kcli's default.
[[nodiscard]] std::string kcli_endpoint();
// The first of these; empty: nothing stood there.
[[nodiscard]] std::string leading_endpoint();

}  // namespace smtptape
