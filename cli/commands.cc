#include "cli/command.h"

namespace smtptape {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_capture_command());
  commands.push_back(make_status_command());
  commands.push_back(make_rotate_command());
  commands.push_back(make_snapshot_command());
  commands.push_back(make_replay_command());
  commands.push_back(make_sessions_command());
  commands.push_back(make_show_command());
  commands.push_back(make_stats_command());
  commands.push_back(make_top_command());
  commands.push_back(make_serve_command());
  commands.push_back(make_trace_smtp_client_command());
  commands.push_back(make_import_command());
  commands.push_back(make_export_command());
  commands.push_back(make_extract_command());
  commands.push_back(make_redact_command());
  commands.push_back(make_bundle_command());
  commands.push_back(make_open_command());
  commands.push_back(make_merge_command());
  commands.push_back(make_info_command());
  commands.push_back(make_verify_command());
  commands.push_back(make_recover_command());
  commands.push_back(make_compact_command());
  commands.push_back(make_prune_command());
  commands.push_back(make_doctor_command());
  return commands;
}

}  // namespace smtptape
