#include "capture/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/wall_time.h"
#include "format/tape/tape_lock.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".tape";
constexpr std::size_t kNumberDigits = 8;
constexpr std::size_t kMostNumberDigits = 19;
constexpr std::size_t kStartSize = 16;       // "20260804T210000Z"
constexpr std::size_t kLongestSource = 200;  // of the 255 bytes of a file name

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
         c == '-';
}

bool is_start(std::string_view text) {
  if (text.size() != kStartSize || text[8] != 'T' || text[15] != 'Z') return false;
  for (std::size_t i = 0; i < kStartSize - 1; ++i) {
    if (i != 8 && !is_digit(text[i])) return false;
  }
  return true;
}

// Takes the last "-FIELD" off `text`.
std::optional<std::string_view> take_last_field(std::string_view& text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(dash + 1);
  text = text.substr(0, dash);
  return field;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.size() < kNumberDigits || text.size() > kMostNumberDigits) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

UniqueFd create_live(const fs::path& path) {
  UniqueFd fd = create_file(path);
  if (!try_lock_byte(fd.get(), kLiveByte, path.string())) {
    throw Error("creating " + path.string() + ": somebody else has locked it");
  }
  sync_directory(path.parent_path());
  return fd;
}

}  // namespace

std::string to_file_name(const TapeName& name) {
  std::string number = std::to_string(name.number);
  if (number.size() < kNumberDigits) number.insert(0, kNumberDigits - number.size(), '0');
  return name.source + "-" + number + "-" + name.start + std::string(kSuffix);
}

std::optional<TapeName> parse_tape_name(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  std::string_view rest = file_name.substr(0, file_name.size() - kSuffix.size());
  const auto start = take_last_field(rest);
  if (!start || !is_start(*start)) return std::nullopt;
  const auto digits = take_last_field(rest);
  const auto number = digits ? parse_number(*digits) : std::nullopt;
  if (!number || rest.empty() || !std::all_of(rest.begin(), rest.end(), is_plain)) {
    return std::nullopt;
  }
  return TapeName{std::string(rest), *number, std::string(*start)};
}

namespace {

// Two names must never share a file name: "a_20b" is not "a b".
bool looks_escaped(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return text.size() >= 3 && text[0] == '_' && is_hex(text[1]) && is_hex(text[2]);
}

}  // namespace

std::string file_name_of_source(std::string_view source) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (is_plain(c) && !looks_escaped(source.substr(i))) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'_', kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  if (out.empty()) throw UsageError("the name of a source must not be empty");
  if (out.size() > kLongestSource) {
    throw UsageError("the name of a source takes " + std::to_string(out.size()) +
                     " bytes of a file name; at most " + std::to_string(kLongestSource) +
                     " are left for it");
  }
  return out;
}

std::string tape_start_text(std::int64_t unix_nanos) {
  constexpr std::int64_t kDay = 86'400;
  const WallTime time = from_unix_nanos(unix_nanos);
  std::int64_t days = time.seconds / kDay;
  if (time.seconds % kDay < 0) --days;
  const auto in_day = static_cast<unsigned>(time.seconds - days * kDay);
  const CivilDate date = civil_from_days(days);
  char text[40];
  std::snprintf(text,
                sizeof(text),
                "%04d%02u%02uT%02u%02u%02uZ",
                static_cast<int>(date.year),
                date.month,
                date.day,
                in_day / 3600,
                in_day / 60 % 60,
                in_day % 60);
  return text;
}

LiveTape::LiveTape(const fs::path& path)
    : path_(path), file_(std::make_shared<SyncPoint>(create_live(path))) {
}

void LiveTape::write(std::string_view bytes) {
  if (file_->error != 0) sync();  // says what went wrong
  try {
    write_all(file_->fd.get(), bytes, path_.string());
  } catch (const Error&) {
    failed_ = true;
    throw;
  }
  file_->written += bytes.size();
}

void LiveTape::sync() {
  if (!sync_now(*file_)) throw system_error("syncing " + path_.string(), file_->error);
}

Store::Store(fs::path directory) : directory_(std::move(directory)) {
  if (::mkdir(directory_.c_str(), 0700) == 0) {
    const fs::path parent = (directory_ / "..").lexically_normal();
    sync_directory(parent);
    return;
  }
  if (errno != EEXIST) throw system_error("creating the store " + directory_.string(), errno);
  std::error_code error;
  if (!fs::is_directory(directory_, error)) {
    throw Error("opening the store " + directory_.string() + ": not a directory");
  }
}

std::vector<Store::Tape> Store::tapes_of(std::string_view source) const {
  const std::string wanted = file_name_of_source(source);
  std::vector<Tape> tapes;
  std::error_code error;
  fs::directory_iterator entry(directory_, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::optional<TapeName> name = parse_tape_name(entry->path().filename().native());
    if (!name || name->source != wanted) continue;
    std::error_code unknown;
    if (!fs::is_regular_file(entry->symlink_status(unknown))) continue;
    tapes.push_back({std::move(*name), entry->path()});
  }
  if (error) throw system_error("listing the store " + directory_.string(), error.value());
  std::sort(tapes.begin(), tapes.end(), [](const Tape& a, const Tape& b) {
    return a.name.number != b.name.number ? a.name.number < b.name.number
                                          : a.name.start < b.name.start;
  });
  return tapes;
}

std::uint64_t Store::next_number(std::string_view source) const {
  const std::vector<Tape> tapes = tapes_of(source);
  return tapes.empty() ? 1 : tapes.back().name.number + 1;
}

UniqueFd Store::lock_source(std::string_view source) const {
  const fs::path path = directory_ / (file_name_of_source(source) + ".lock");
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) throw system_error("opening " + path.string(), errno);
  if (!try_lock_byte(fd.get(), 0, path.string())) {
    throw Error("another recorder writes source " + std::string(source) + " into " +
                directory_.string());
  }
  return fd;
}

fs::path Store::path_of(const TapeName& name) const {
  return directory_ / to_file_name(name);
}

}  // namespace smtptape
