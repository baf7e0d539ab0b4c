// A page taken apart again, as docs/page.md says that it can be.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "smtp/spellings.h"

#include <zlib.h>

namespace smtptape::testing {

struct ReadPage {
  explicit ReadPage(std::string text) : html(std::move(text)) {
    constexpr std::string_view kOpening = "<script type=\"application/octet-stream\" data-block=\"";
    for (std::size_t at = 0; (at = html.find(kOpening, at)) != std::string::npos;) {
      at += kOpening.size();
      const std::size_t quote = html.find("\">", at);
      const std::size_t end = html.find("</script>", quote);
      const std::string packed = decode_base64(html.substr(quote + 2, end - quote - 2));
      blocks[html.substr(at, quote - at)].push_back(lines_in(inflated(packed)));
      at = end;
    }
  }

  [[nodiscard]] std::vector<boost::json::object> sessions() const {
    std::vector<boost::json::object> all;
    const auto found = blocks.find("details");
    if (found == blocks.end()) return all;
    for (const auto& block : found->second)
      all.insert(all.end(), block.begin(), block.end());
    return all;
  }
  [[nodiscard]] std::vector<boost::json::object> rows() const { return blocks.at("rows").at(0); }
  [[nodiscard]] boost::json::object about() const { return blocks.at("about").at(0).at(0); }

  std::string html;
  // By their names, each of lines.
  std::map<std::string, std::vector<std::vector<boost::json::object>>> blocks;

 private:
  static std::string inflated(std::string_view packed) {
    std::string out(4 << 20, '\0');
    uLongf size = out.size();
    const int done = uncompress(reinterpret_cast<Bytef*>(out.data()),
                                &size,
                                reinterpret_cast<const Bytef*>(packed.data()),
                                packed.size());
    if (done != Z_OK) throw std::runtime_error("a block of the page can't be unpacked");
    out.resize(size);
    return out;
  }

  static std::vector<boost::json::object> lines_in(const std::string& text) {
    std::vector<boost::json::object> lines;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = text.find('\n', from);
      lines.push_back(boost::json::parse(text.substr(from, end - from)).as_object());
      from = end + 1;
    }
    return lines;
  }
};

}  // namespace smtptape::testing
