#include "cli/text/ledger_text.h"

#include <array>

#include "base/counted.h"

namespace smtptape {

namespace {

std::string text_of(const std::array<Loss, kGapCauses>& losses) {
  std::string text;
  for (std::size_t i = 0; i < kGapCauses; ++i) {
    const Loss& loss = losses[i];
    if (loss.gaps == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::string(gap_cause_name(static_cast<GapCause>(i + 1))) + ": ";
    if (loss.count > 0 || loss.unknown == 0) text += loss.count_text();
    if (loss.count > 0 && loss.unknown > 0) text += ", and ";
    if (loss.unknown > 0) text += times(loss.unknown) + ", nobody knows how many";
  }
  return text;
}

}  // namespace

std::string text_of(const Ledger& ledger, bool sealed) {
  const auto number = [](std::uint64_t value) { return Loss{value, 0, 0}.count_text(); };
  std::string text;
  if (sealed) {
    text = number(ledger.received) + " received = " + number(ledger.stored) + " stored + " +
           number(ledger.not_selected) + " not selected + ";
  } else {
    text = number(ledger.stored) + " stored + ";
  }
  text += ledger.total_lost().count_text() + " lost";
  const std::string lost = text_of(ledger.lost);
  if (!lost.empty()) text += " (" + lost + ")";
  const std::string upstream = text_of(ledger.upstream);
  if (!upstream.empty()) text += "; never received: " + upstream;
  return sealed ? text : text + "; not selected: unknown (not sealed)";
}

}  // namespace smtptape
