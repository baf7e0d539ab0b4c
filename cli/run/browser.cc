#include "cli/run/browser.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "base/io.h"

#include <spawn.h>

extern char** environ;

namespace smtptape {

namespace {

constexpr std::string_view kPrefix = "smtptape-page-";
constexpr std::string_view kSuffix = ".html";

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// What the shell would say of a command that isn't there.
constexpr int kNoSuchCommand = 127;

bool run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0)
    return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return !WIFEXITED(status) || WEXITSTATUS(status) != kNoSuchCommand;
}

// Of the page's address nothing is left to be understood otherwise.
std::string address_of(const std::filesystem::path& page) {
  std::string address = "file://";
  const std::string path = std::filesystem::absolute(page).string();
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    if (plain) {
      address += c;
    } else {
      address += {'%', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return address;
}

std::filesystem::path directory_for_pages() {
  for (const char* const name : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
    const char* const value = std::getenv(name);
    std::error_code error;
    if (value != nullptr && std::filesystem::is_directory(value, error)) return value;
  }
  return "/tmp";
}

void remove_old_pages(const std::filesystem::path& directory) {
  constexpr std::time_t kDay = 24L * 3600;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    struct stat found {};
    const bool old = name.starts_with(kPrefix) && name.ends_with(kSuffix) &&
                     ::lstat(entry.path().c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
                     found.st_uid == ::getuid() && found.st_mtime < std::time(nullptr) - kDay;
    if (old) std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace

std::vector<std::vector<std::string>> browser_commands(const std::string& browser,
                                                       const std::string& address) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& command : split(browser, ':')) {
    std::vector<std::string> words = split(command, ' ');
    if (words.empty()) continue;
    bool placed = false;
    for (std::string& word : words) {
      const std::size_t at = word.find("%s");
      if (at == std::string::npos) continue;
      word.replace(at, 2, address);
      placed = true;
    }
    if (!placed) words.push_back(address);
    commands.push_back(std::move(words));
  }
  return commands;
}

bool open_in_browser(const std::filesystem::path& page) {
  const char* const browser = std::getenv("BROWSER");
  if (browser == nullptr) return false;
  const auto commands = browser_commands(browser, address_of(page));
  return std::any_of(commands.begin(), commands.end(), run);
}

std::filesystem::path name_for_page() {
  const std::filesystem::path directory = directory_for_pages();
  remove_old_pages(directory);
  std::string random(8, '\0');
  fill_random(random.data(), random.size());
  std::string name(kPrefix);
  for (const char c : random)
    name += static_cast<char>('a' + static_cast<unsigned char>(c) % 26);
  return directory / (name + std::string(kSuffix));
}

}  // namespace smtptape
