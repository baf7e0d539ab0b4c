#include "cli/run/redaction.h"

#include "base/counted.h"
#include "base/error.h"
#include "cli/text/json_lines.h"

namespace smtptape {

namespace {

std::string listed(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    text += (text.empty() ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace

void refuse_leaks(const std::vector<Leak>& leaks) {
  if (leaks.empty()) return;
  std::string text = "nothing was written: after redaction " + counted(leaks.size(), "place") +
                     " still had something of the original, at";
  constexpr std::size_t kMostShown = 5;
  for (std::size_t i = 0; i < leaks.size() && i < kMostShown; ++i) {
    text +=
        (i == 0 ? " " : "; ") + leaks[i].where + " (" + std::string(name_of(leaks[i].kind)) + ")";
  }
  if (leaks.size() > kMostShown) text += "; …";
  throw Error(text + "; leave these sessions out, or keep the class by --keep");
}

std::string text_of(const RedactionReport& report, const RedactionRules& rules) {
  constexpr std::size_t kMostNames = 10;
  std::string text;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const Pseudonyms::Count& count = report.counts[kind];
    if (rules.kept[kind]) {
      text += "kept, because you said so: " + std::string(kKindNames[kind]) + "\n";
    } else if (count.places > 0) {
      text += "taken out: " + std::string(kKindNames[kind]) + ", " +
              counted(count.places, "place") + ", " + counted(count.bytes, "byte") + "\n";
    }
  }
  const Omitted& left = report.omitted;
  if (left.frames > 0) text += "left out: " + counted(left.frames, "frame") + " that no event is\n";
  if (left.members > 0) {
    text += "left out: " + counted(left.members, "value") + " of metadata that is not known\n";
  }
  if (!report.kept_names.empty()) {
    text +=
        "kept, because an MX host has them in its name: " + listed(report.kept_names, kMostNames) +
        "\n";
  }
  return text + "looked for " + counted(report.originals, "original") +
         " in every spelling: none is left";
}

boost::json::object json_of(const RedactionReport& report, const RedactionRules& rules) {
  boost::json::object classes;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    classes[kKindNames[kind]] = {{"kept", rules.kept[kind]},
                                 {"places", report.counts[kind].places},
                                 {"bytes", report.counts[kind].bytes}};
  }
  return {
      {"classes", std::move(classes)},
      {"frames_left_out", report.omitted.frames},
      {"metadata_left_out", report.omitted.members},
      {"kept_names",
       json_array(report.kept_names, [](const std::string& name) { return json_string(name); })},
      {"originals", report.originals}};
}

}  // namespace smtptape
