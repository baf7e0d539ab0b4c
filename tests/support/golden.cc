#include "tests/support/golden.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "format/wire/json.h"

namespace smtptape::testing {

std::filesystem::path golden_path(std::string_view relative) {
  return std::filesystem::path(SMTPTAPE_GOLDEN_DIR) / relative;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::istringstream in(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

std::vector<std::vector<std::string>> read_table(std::string_view relative, Header header) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : read_lines(golden_path(relative))) {
    std::vector<std::string> row(1);
    for (const char c : line) {
      if (c == '\t') {
        row.emplace_back();
      } else {
        row.back().push_back(c);
      }
    }
    rows.push_back(std::move(row));
  }
  if (header == Header::Yes && !rows.empty()) rows.erase(rows.begin());
  return rows;
}

std::string unquote(std::string_view json_string) {
  JsonReader reader(json_string);
  std::string out;
  if (!reader.read_string(out)) throw std::runtime_error("not a JSON string: " + reader.error());
  return out;
}

std::vector<std::string> all_golden_frames() {
  std::vector<std::string> frames;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SMTPTAPE_GOLDEN_DIR)) {
    if (entry.path().extension() != ".jsonl") continue;
    for (std::string& line : read_lines(entry.path()))
      frames.push_back(std::move(line));
  }
  if (frames.empty()) throw std::runtime_error("no frames under " SMTPTAPE_GOLDEN_DIR);
  return frames;
}

}  // namespace smtptape::testing
