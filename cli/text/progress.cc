#include "cli/text/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/io.h"
#include "base/time_spec.h"

namespace smtptape {

namespace {

constexpr std::chrono::milliseconds kBetweenTwo{200};
constexpr std::string_view kEraseLine = "\r\x1b[K";

std::mutex mutex;
bool drawn = false;  // by mutex: the line is there

bool can_be_redrawn() {
  const char* const terminal = std::getenv("TERM");
  if (terminal == nullptr || std::strcmp(terminal, "dumb") == 0) return false;
  return ::isatty(STDERR_FILENO) != 0;
}

std::size_t columns() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsual;
}

// Nobody is told when the terminal is gone.
void show(std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string ProgressLine::text(Time now, std::uint64_t done, std::size_t width) const {
  constexpr double kPerCent = 100;
  const std::chrono::duration<double> passed = now - start_;
  if (passed < kPatience) return {};
  std::string text = doing_ + ": " + show_size(done);
  if (total_ && *total_ > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(*total_);
    text += " of " + show_size(*total_) + ", " +
            std::to_string(static_cast<int>(std::min(1.0, share) * kPerCent)) + " %";
  }
  text += ", " + show_size(static_cast<std::uint64_t>(static_cast<double>(done) / passed.count())) +
          "/s";
  return text.substr(0, width);
}

Progress::Progress(std::string doing, std::optional<std::uint64_t> total)
    : line_(std::move(doing), total, std::chrono::steady_clock::now()),
      read_before_(FdSource::bytes_read()) {
  if (can_be_redrawn()) thread_ = std::thread([this] { draw_until_stopped(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const auto lock = quiet();
    stopped_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

std::unique_lock<std::mutex> Progress::quiet() {
  std::unique_lock lock(mutex);
  if (std::exchange(drawn, false)) show(kEraseLine);
  return lock;
}

void Progress::draw_until_stopped() {
  std::unique_lock lock(mutex);
  while (!stop_.wait_for(lock, kBetweenTwo, [this] { return stopped_; })) {
    // In the last column some terminals would begin another line.
    const std::string text = line_.text(
        std::chrono::steady_clock::now(), FdSource::bytes_read() - read_before_, columns() - 1);
    if (text.empty()) continue;
    show(std::string(kEraseLine) + text);
    drawn = true;
  }
}

std::optional<std::uint64_t> bytes_of(const std::vector<std::string>& names, unsigned passes) {
  namespace fs = std::filesystem;
  std::uint64_t bytes = 0;
  std::error_code unknown;  // whoever reads it will say why
  for (const std::string& name : names) {
    if (fs::is_directory(name, unknown)) {
      for (fs::directory_iterator at(name, unknown), end; !unknown && at != end;
           at.increment(unknown)) {
        if (at->path().extension() == ".tape" && at->is_regular_file(unknown))
          bytes += at->file_size(unknown);
      }
    } else if (fs::is_regular_file(name, unknown)) {
      bytes += fs::file_size(name, unknown);
    } else {
      return std::nullopt;
    }
    if (unknown) return std::nullopt;
  }
  return bytes * passes;
}

}  // namespace smtptape
