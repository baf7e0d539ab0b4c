#include "cli/options/extract_options.h"

#include "base/error.h"
#include "base/time_spec.h"
#include "cli/options/words.h"

namespace smtptape {

namespace {

Bodies parse_bodies(const std::string& text) {
  if (text == "full") return Bodies::Full;
  if (text == "headers") return Bodies::Headers;
  if (text == "none") return Bodies::None;
  throw UsageError("--bodies: \"" + text + "\" is none of full, headers, none");
}

Secrets parse_secrets(const std::string& text) {
  if (text == "keep") return Secrets::Keep;
  if (text == "mask") return Secrets::Mask;
  throw UsageError("--secrets: \"" + text + "\" is none of keep, mask");
}

}  // namespace

void ExtractOptions::describe_limit(Options& options, const std::string& help) {
  options.value("--limit", limit, "SIZE", help);
}

void ExtractOptions::describe(Options& options) {
  options.group("More sessions, to compare with");
  options.value("--with-neighbours",
                neighbours,
                "N",
                "N sessions of the same ready queue before each, and N after it");
  options.value(
      "--with-good", good, "N", "N sessions that went well, of the same queues if there are");
  options.group("Less of them");
  options.value(
      "--bodies", bodies, "full|headers|none", "Of messages keep: full (default), headers, none");
  options.value("--secrets", secrets, "keep|mask", "Passwords of AUTH: keep (default), mask");
}

void ExtractOptions::apply_to(ExtractWishes& wishes) const {
  if (limit) wishes.most_bytes = parse_size(*limit, "--limit");
  if (neighbours) wishes.company.neighbours = parse_count_of(*neighbours, "--with-neighbours");
  if (good) wishes.company.good = parse_count_of(*good, "--with-good");
  wishes.levels.bodies = parse_bodies(bodies);
  wishes.levels.secrets = parse_secrets(secrets);
}

}  // namespace smtptape
