#include "cli/run/result.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "cli/text/output.h"
#include "store/find/input_files.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

constexpr std::string_view kStandardOutput = "-";

bool means_standard_output(const std::string& name) {
  constexpr std::array<std::string_view, 4> kNames{
      kStandardOutput, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<FileId> id_of_output(const std::filesystem::path& output) {
  return means_standard_output(output.string()) ? file_id(STDOUT_FILENO) : file_id(output);
}

[[noreturn]] void refuse(const std::filesystem::path& output, const std::string& input) {
  const std::string name =
      means_standard_output(output.string()) ? "standard output" : "-o " + output.string();
  throw UsageError(name + ": that is " + input +
                   ", which is read, and it would be lost; give another name");
}

// What is read, and what it is called.
using KnownFiles = std::map<FileId, std::string>;

void add(KnownFiles& known, const std::string& input) {
  std::error_code error;
  if (std::filesystem::is_directory(input, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(input, error)) {
      const std::filesystem::path& path = entry.path();
      const std::optional<FileId> id = path.extension() == ".tape" ? file_id(path) : std::nullopt;
      if (id) known.emplace(*id, path.string());
    }
    return;
  }
  const std::optional<FileId> id =
      input == kStandardInput ? file_id(STDIN_FILENO) : file_id(std::filesystem::path(input));
  if (id) known.emplace(*id, input == kStandardInput ? "standard input" : input);
}

void refuse_if_known(const std::filesystem::path& output, const KnownFiles& known) {
  const std::optional<FileId> written = id_of_output(output);
  const auto found = written ? known.find(*written) : known.end();
  if (found != known.end()) refuse(output, found->second);
}

// What it is in words; empty: a terminal can have it.
std::string_view nothing_for_a_terminal(Result::Content content) {
  switch (content) {
    case Result::Content::Json:
    case Result::Content::Bytes: return {};
    case Result::Content::Tape: return "a tape";
    case Result::Content::Page: return "a page";
    case Result::Content::Packed: return "a packed file";
    case Result::Content::Packets: return "a file of packets";
  }
  return {};
}

// Where a file would be put that is not there yet, through links that lead nowhere.
std::filesystem::path place_of(const std::filesystem::path& name) {
  constexpr int kMostLinks = 40;
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(name, error);
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(path, error); ++i) {
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;
  }
  const std::filesystem::path parent = std::filesystem::weakly_canonical(path.parent_path(), error);
  return (error ? path.parent_path().lexically_normal() : parent) / path.filename();
}

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  const std::optional<FileId> id_a = id_of_output(a);
  const std::optional<FileId> id_b = id_of_output(b);
  if (id_a || id_b) return id_a == id_b;
  return place_of(a) == place_of(b);
}

// A name beside which nothing can be put: in /proc and /dev, where a file behind it lies elsewhere.
void refuse_descriptor_of_file(const std::string& output) {
  std::error_code error;
  const std::filesystem::path parent =
      std::filesystem::canonical(std::filesystem::path(output).parent_path(), error);
  if (error || !std::filesystem::is_regular_file(output, error)) return;
  const std::string place = parent.string() + "/";
  if (place != "/dev/" && !place.starts_with("/proc/")) return;
  throw UsageError("-o " + output + ": no file can be put there; give the file's own name, or - " +
                   "for standard output");
}

}  // namespace

void refuse_input_as_output(const std::filesystem::path& output,
                            const std::vector<std::string>& inputs) {
  if (!id_of_output(output)) return;
  KnownFiles known;
  for (const std::string& input : inputs)
    add(known, input);
  refuse_if_known(output, known);
}

void refuse_shared_file(const NamedFile& written,
                        const std::vector<NamedFile>& others,
                        const std::vector<std::string>& inputs) {
  const std::string name = written.option + " " + written.path.string() + ": that is ";
  for (const NamedFile& other : others) {
    if (!is_same_file(written.path, other.path)) continue;
    throw UsageError(name + other.option + " " + other.path.string() +
                     ", too, and one would overwrite the other; give another name");
  }
  KnownFiles known;
  for (const std::string& input : inputs)
    add(known, input);
  const std::optional<FileId> id = id_of_output(written.path);
  const auto found = id ? known.find(*id) : known.end();
  if (found == known.end()) return;
  throw UsageError(name + found->second +
                   ", which is read, and it would be lost; give another name");
}

void refuse_inputs_as_copies(const std::filesystem::path& directory,
                             const std::vector<ListedTape>& files) {
  KnownFiles known;
  for (const ListedTape& file : files)
    add(known, file.path.string());
  for (const ListedTape& file : files)
    refuse_if_known(directory / name_of_copy(file.path), known);
}

void refuse_standard_output(const std::string& directory) {
  if (directory != kStandardOutput) return;
  throw UsageError("-o -: the copies are files in a directory; name one (./- if it is called so)");
}

void refuse_pipes(const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    if (!is_pipe(input)) continue;
    throw UsageError(input +
                     ": is a pipe, so its copy would have no name; put it into a file first");
  }
}

Result::Result(const std::string& output,
               bool force,
               Content content,
               const std::vector<std::string>& inputs)
    : name_(output) {
  if (output.empty()) throw UsageError("-o: names no file");
  refuse_input_as_output(output, inputs);
  if (!means_standard_output(output)) {
    refuse_descriptor_of_file(output);
    file_ = std::make_unique<OutputFile>(
        output, force ? OutputFile::Existing::Replace : OutputFile::Existing::Refuse);
    return;
  }
  const std::string_view what = nothing_for_a_terminal(content);
  if (!what.empty() && ::isatty(STDOUT_FILENO) != 0) {
    throw UsageError("-o " + output + ": " + std::string(what) +
                     " is nothing for a terminal; give a file, or a pipe behind it");
  }
  name_ = "standard output";
  json_ = content == Content::Json;
  standard_ = std::make_unique<StandardOutput>();
}

void Result::write(std::string_view bytes) {
  constexpr std::size_t kMostHeldBack = 64 << 10;
  if (file_ != nullptr) return file_->write(bytes);
  if (bytes.size() <= kMostHeldBack) {
    held_back_.append(bytes);
    if (held_back_.size() > kMostHeldBack) write_held_back();
    return;
  }
  write_held_back();
  put(bytes);
}

void Result::commit() {
  if (file_ != nullptr) return file_->commit();
  write_held_back();
}

void Result::write_held_back() {
  put(held_back_);
  held_back_.clear();
}

void Result::put(std::string_view bytes) {
  json_ ? standard_->write_json(bytes) : standard_->write(bytes);
}

}  // namespace smtptape
