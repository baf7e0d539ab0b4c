// smtptape prune: deletes the oldest tapes of a store until it keeps to the limits.
#include "store/keep/prune.h"

#include <filesystem>

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/options/retention_options.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"

namespace smtptape {

namespace {

constexpr std::string_view kSchema = "smtptape.prune/1";

std::string tapes_and_size(std::uint64_t count, std::uint64_t bytes) {
  return counted(count, "file") + ", " + show_size(bytes);
}

class PruneCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "prune"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Delete the oldest tapes of a store";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape prune /var/lib/smtptape --max-age 14d --dry-run\n"
           "  smtptape prune /var/lib/smtptape --max-bytes 20G --keep-free 10%";
  }
  void describe(Options& options) override {
    options.positional("STORE", store_, Options::Count::One, "A directory of tapes");
    options.flag("-n,--dry-run", dry_run_, "Delete nothing, print what would be deleted");
    options.flag("--json", json_, "One JSON object a line");
    options.group("Limits (all that are given count; the oldest tapes go first)");
    retention_.describe(options);
    options.group("Options");
  }

  [[nodiscard]] int run() override {
    const RetentionLimits limits = retention_.limits();
    if (!limits.any()) {
      throw UsageError(
          "give a limit: --max-bytes SIZE, --max-age TIME, --max-tapes N or --keep-free SHARE");
    }
    if (!std::filesystem::is_directory(store_.front())) {
      throw Error(store_.front() + ": not a directory");
    }
    StoreLister lister(store_.front());
    const PruneReport report =
        prune(lister, limits, now_unix_nanos(), dry_run_ ? DryRun::Yes : DryRun::No);
    StandardOutput out;
    for (const Deletion& deletion : report.removal.deleted) {
      if (json_) {
        out.write_json(json_of(deletion));
      } else {
        out.write(line_of(deletion));
      }
    }
    if (json_) {
      for (const Unmet& unmet : report.plan.unmet)
        out.write_json(json_of(unmet));
      out.write_json(json_of_totals(report));
    }
    return tell(report);
  }

 private:
  [[nodiscard]] static std::string line_of(const Deletion& deletion) {
    return visible(deletion.path.string()) + "  " + show_size(deletion.bytes) + "  " +
           show_age(deletion.age) + "  " + std::string(name_of(deletion.reason)) +
           (deletion.read ? "  (open in a reader)" : "") + "\n";
  }

  [[nodiscard]] std::string json_of(const Deletion& deletion) const {
    constexpr std::int64_t kNanos = 1'000'000'000;
    return smtptape::line_of({{"schema", kSchema},
                              {"what", "deletion"},
                              {"path", json_string(deletion.path.string())},
                              {"bytes", deletion.bytes},
                              {"age_seconds", deletion.age / kNanos},
                              {"reason", json_string(name_of(deletion.reason))},
                              {"read", deletion.read},
                              {"deleted", !dry_run_}});
  }

  [[nodiscard]] static std::string json_of(const Unmet& unmet) {
    return smtptape::line_of({{"schema", kSchema},
                              {"what", "unmet"},
                              {"limit", json_string(name_of(unmet.limit))},
                              {"over", unmet.over},
                              {"held", unmet.held},
                              {"young", unmet.young}});
  }

  [[nodiscard]] std::string json_of_totals(const PruneReport& report) {
    return smtptape::line_of({{"schema", kSchema},
                              {"what", "totals"},
                              {"deletions", report.removal.deleted.size()},
                              {"deleted_bytes", bytes_of(report)},
                              {"failed", report.removal.failed.size()},
                              {"tapes_before", report.plan.before.tapes},
                              {"bytes_before", report.plan.before.bytes},
                              {"file_system_bytes", report.space.total},
                              {"free_before", report.space.free},
                              {"dry_run", dry_run_}});
  }

  [[nodiscard]] static std::uint64_t bytes_of(const PruneReport& report) {
    std::uint64_t bytes = 0;
    for (const Deletion& deletion : report.removal.deleted)
      bytes += deletion.bytes;
    return bytes;
  }

  [[nodiscard]] int tell(const PruneReport& report) const {
    const std::uint64_t bytes = bytes_of(report);
    const StoreTotals& before = report.plan.before;
    say((dry_run_ ? "would delete " : "deleted ") +
        tapes_and_size(report.removal.deleted.size(), bytes) + " of " + show_size(before.bytes));
    for (const std::string& failure : report.removal.failed)
      say(failure);
    for (const Unmet& unmet : report.plan.unmet)
      say(text_of(unmet));
    if (!report.removal.failed.empty()) return static_cast<int>(Exit::Failed);
    return static_cast<int>(report.plan.unmet.empty() ? Exit::Done : Exit::Incomplete);
  }

  std::vector<std::string> store_;
  RetentionOptions retention_;
  bool dry_run_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_prune_command() {
  return std::make_unique<PruneCommand>();
}

}  // namespace smtptape
