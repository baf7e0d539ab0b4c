#include "replay/story_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "base/counted.h"
#include "base/time_spec.h"
#include "base/visible_text.h"

namespace smtptape {

namespace {

constexpr std::size_t kLabel = 12;
constexpr std::size_t kMostSpansShown = 32;  // of more, sums
constexpr std::size_t kBar = 32;
constexpr std::size_t kMostPolicyShown = 300;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

std::string right(std::string_view text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ').append(text)
                             : std::string(text);
}

std::string when(WallTime time) {
  return show_time(to_unix_nanos(time).value_or(0));
}

void add_fact(std::string& out, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  out.append("  ").append(padded(label, kLabel));
  append_visible(out, value);
  out.push_back('\n');
}

std::string joined(std::string text, std::string_view separator, std::string_view more) {
  if (!text.empty() && !more.empty()) text += separator;
  return text.append(more);
}

std::string ordinal_place(std::size_t place, std::size_t of) {
  if (place == 0 || of == 0) return {};
  return std::to_string(place) + " of " + std::to_string(of) + " in the plan";
}

// ---- facts ----

std::string times_of(const Story& story) {
  std::string text = when(story.begun) + ", " + show_span(span_of(story.begun, story.ended));
  if (!story.begins_here) text += " of it are here";
  if (story.is_open) text += ", its connection not closed";
  return text;
}

std::string host_of(const Attempt& attempt) {
  return joined(attempt.mx_host, " ", attempt.target.empty() ? attempt.mx_address : attempt.target);
}

std::string messages_of(const Story& story) {
  if (story.messages.empty()) return "none";
  OutcomeCounts counts{};
  for (const Message& message : story.messages)
    ++counts[static_cast<std::size_t>(message.outcome)];
  return std::to_string(story.messages.size()) + ": " + text_of(counts);
}

std::string recipients_of(const Story& story) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : story.outcomes)
    all += count;
  return all == 0 ? std::string() : std::to_string(all) + ": " + text_of(story.outcomes);
}

void add_facts(std::string& out, const Story& story) {
  out += "session ";
  append_visible(out, story.id);
  out += '\n';
  add_fact(out, "when", times_of(story));
  add_fact(out, "recorder", story.source);
  add_fact(out,
           "from",
           joined(story.egress_source,
                  " ",
                  story.egress_pool.empty() ? std::string() : "in pool " + story.egress_pool));
  if (!story.attempts.empty()) {
    const Attempt& last = story.attempts.back();
    add_fact(out, "to", joined(host_of(last), ", ", ordinal_place(last.place, story.plan.size())));
    add_fact(out, "TLS", text_of_tls(last));
  } else {
    add_fact(out, "to", story.null_mx ? "nowhere: the domain has a null MX" : "nothing was tried");
  }
  add_fact(out, "ready queue", story.ready_queue);
  add_fact(out, "messages", messages_of(story));
  add_fact(out, "recipients", recipients_of(story));
  add_fact(out,
           "bytes",
           show_size(story.bytes_written) + " written, " + show_size(story.bytes_read) + " read");
  if (story.worst_reply != 0) {
    add_fact(out,
             "replies",
             "worst " + std::to_string(story.worst_reply) + ", last " +
                 std::to_string(story.last_reply));
  }
}

// ---- attempts ----

std::string end_of(const Story& story, const Attempt& attempt) {
  if (attempt.closed && attempt.connected) {
    return "closed after " + show_span(span_of(*attempt.connected, *attempt.closed));
  }
  if (attempt.closed) return "closed";
  const bool last = &attempt == &story.attempts.back();
  if (attempt.was_connected)
    return last && story.is_open ? "not closed here" : "its end is not here";
  return "no connection";
}

void add_attempts(std::string& out, const Story& story) {
  if (story.attempts.empty()) return;
  out += "\nattempts\n";
  for (std::size_t i = 0; i < story.attempts.size(); ++i) {
    const Attempt& attempt = story.attempts[i];
    std::string line =
        joined(host_of(attempt), ", ", ordinal_place(attempt.place, story.plan.size()));
    const auto throttled = attempt.phases[static_cast<std::size_t>(Phase::Throttle)];
    if (throttled > 0) line = joined(line, ", ", "held back for " + show_span(throttled));
    const auto connecting = attempt.phases[static_cast<std::size_t>(Phase::Connect)];
    if (attempt.connected) line = joined(line, ", ", "connected in " + show_span(connecting));
    if (!attempt.source_address.empty()) line += " from " + attempt.source_address;
    line = joined(line, ", ", end_of(story, attempt));
    out += right(std::to_string(i + 1), 4) + ". ";
    append_visible(out, line);
    out += '\n';
    if (attempt.was_connected) add_fact(out, "    TLS", text_of_tls(attempt));
    for (const std::string& policy : attempt.tls.policies)
      add_fact(out, "", "  " + policy.substr(0, kMostPolicyShown));
    add_fact(out, "    why", attempt.why);
  }
}

// ---- time ----

std::string bar(std::int64_t from, std::int64_t until, std::int64_t all) {
  const auto column = [all](std::int64_t at) {
    const double share =
        static_cast<double>(std::clamp<std::int64_t>(at, 0, all)) / static_cast<double>(all);
    return static_cast<std::size_t>(std::lround(share * kBar));
  };
  const std::size_t start = std::min(column(from), kBar - 1);
  const std::size_t end = std::max(column(until), start + 1);
  return std::string(start, '.') + std::string(end - start, '#') + std::string(kBar - end, '.');
}

void add_span(std::string& out,
              Phase phase,
              const std::string& from,
              std::int64_t took,
              const std::string& rest) {
  out += "  " + padded(name_of(phase), kLabel) + right(from, 9) + right(show_span(took), 11) +
         "  " + rest + '\n';
}

void add_sums(std::string& out, const Story& story, std::int64_t all) {
  std::array<std::int64_t, kPhases> sums{};
  std::array<std::uint64_t, kPhases> counts{};
  for (const PhaseSpan& span : story.spans) {
    sums[static_cast<std::size_t>(span.phase)] += span_of(span.from, span.until);
    ++counts[static_cast<std::size_t>(span.phase)];
  }
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (counts[i] == 0) continue;
    add_span(out, static_cast<Phase>(i), times(counts[i]), sums[i], bar(0, sums[i], all));
  }
}

void add_time(std::string& out, const Story& story) {
  const std::int64_t all = span_of(story.begun, story.ended);
  if (all <= 0 || story.spans.empty()) return;
  out += "\ntime\n";
  if (story.spans.size() > kMostSpansShown) return add_sums(out, story, all);
  for (const PhaseSpan& span : story.spans) {
    const std::int64_t from = span_of(story.begun, span.from);
    const std::int64_t until = span_of(story.begun, span.until);
    add_span(out, span.phase, "+" + show_span(from), until - from, bar(from, until, all));
  }
}

// ---- messages ----

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string_view decided_by(SmtpStep step) {
  switch (step) {
    case SmtpStep::Mail: return "to MAIL";
    case SmtpStep::Rcpt: return "to RCPT";
    case SmtpStep::Data: return "to DATA";
    case SmtpStep::Chunk:
    case SmtpStep::LastChunk:
    case SmtpStep::Message: return "to the message";
    default: return "";
  }
}

void add_recipient(std::string& out, const Recipient& recipient) {
  std::string line = std::string(name_of(recipient.outcome));
  if (recipient.code != 0) {
    line += ": " + first_line(recipient.reply);
    line = joined(line, ", ", decided_by(recipient.decided_by));
  } else if (!recipient.sent) {
    line += recipient.outcome == Outcome::Unknown ? ": its RCPT is not here" : ": no RCPT was sent";
  } else if (recipient.outcome == Outcome::Unfinished) {
    line += ": no reply";
  } else if (recipient.outcome == Outcome::Unknown) {
    line += ": which reply is its is not known";
  }
  out += "       ";
  append_visible(out, padded(recipient.address, 32) + "  " + line);
  out += '\n';
}

void add_message(std::string& out, const Message& message, std::size_t number) {
  std::string line =
      joined(message.id.empty() ? "id not known" : message.id, "  ", name_of(message.outcome));
  if (message.bytes > 0) line += ", " + show_size(message.bytes);
  if (message.decided)
    line += ", decided after " + show_span(span_of(message.begun, *message.decided));
  if (message.begun_before) line += ", begun before what is here";
  out += right(std::to_string(number), 4) + ". ";
  append_visible(out, line);
  out += "\n       ";
  std::string whose = "from <" + message.sender + ">";
  if (!message.tenant.empty()) whose += ", tenant " + message.tenant;
  if (!message.campaign.empty()) whose += ", campaign " + message.campaign;
  if (!message.queue.empty()) whose += ", queue " + message.queue;
  append_visible(out, whose);
  out += '\n';
  for (const Recipient& recipient : message.recipients)
    add_recipient(out, recipient);
  if (message.recipients_left_out > 0)
    out += "       … and " + counted(message.recipients_left_out, "recipient") + " more\n";
}

void add_messages(std::string& out, const Story& story) {
  if (story.messages.empty()) return;
  out += "\nmessages\n";
  for (std::size_t i = 0; i < story.messages.size(); ++i)
    add_message(out, story.messages[i], i + 1);
}

// ---- exchanges ----

std::string sent_in(const SmtpExchange& smtp) {
  switch (smtp.kind) {
    case SmtpExchange::Kind::Unasked: return "(nothing waited for this)";
    case SmtpExchange::Kind::Unpaired: return "(what this answers is not known)";
    case SmtpExchange::Kind::NotSmtp: return "(this is no SMTP)";
    case SmtpExchange::Kind::Unclear:
      return "(" + counted(smtp.bytes, "byte") + ", not known what)";
    case SmtpExchange::Kind::Command: break;
  }
  std::string text = smtp.command + (smtp.cut ? "…" : "");
  if (smtp.step == SmtpStep::Banner) text = "(the server's greeting)";
  if (smtp.step == SmtpStep::Answer) text = "(an answer to the challenge)";
  if (smtp.step == SmtpStep::Auth) text += " …";
  if (smtp.step == SmtpStep::Message) text = "(the message, " + counted(smtp.bytes, "byte") + ")";
  if (smtp.step == SmtpStep::Other && text.empty()) text = "(a line that may be a secret)";
  return smtp.early ? text + " (answered before its end)" : text;
}

std::string answer_to(const SmtpExchange& smtp) {
  std::string text = smtp.reply.text;
  if (smtp.reply.cut) text += " …";
  if (smtp.reply.bare_line_feed)
    text += "\n(a bare line feed in it, which KumoMTA takes for no line end)";
  if (smtp.kind != SmtpExchange::Kind::Command) return text;
  if (smtp.answer == SmtpExchange::Answer::None)
    return text.empty() ? "no reply" : text + "\nand no more";
  if (smtp.answer == SmtpExchange::Answer::Unknown) return "not known which reply";
  return text;
}

void add_exchange(std::string& out, const Story& story, const StoryExchange& exchange) {
  const SmtpExchange& smtp = exchange.smtp;
  const bool alone = smtp.kind != SmtpExchange::Kind::Command;
  const bool replied = !alone && smtp.answer == SmtpExchange::Answer::Reply;
  const bool sent = smtp.sent != 0;
  const std::int64_t at = span_of(story.begun, sent ? exchange.sent : exchange.replied);
  out += right("+" + show_span(at), 10);
  out +=
      right(replied && sent ? show_span(span_of(exchange.sent, exchange.replied)) : "", 10) + "  ";
  append_visible(out, sent_in(smtp));
  out += '\n';
  const std::string answer = answer_to(smtp);
  for (std::size_t from = 0; !answer.empty() && from <= answer.size();) {
    const std::size_t end = std::min(answer.find('\n', from), answer.size());
    out += std::string(24, ' ');
    append_visible(out, std::string_view(answer).substr(from, end - from));
    out += '\n';
    from = end + 1;
  }
}

void add_exchanges(std::string& out, const Story& story) {
  if (story.exchanges.empty()) return;
  out += "\nexchanges\n";
  std::optional<std::size_t> attempt;
  for (const StoryExchange& exchange : story.exchanges) {
    if (story.attempts.size() > 1 && attempt != exchange.attempt)
      out += "  attempt " + std::to_string(exchange.attempt + 1) + '\n';
    attempt = exchange.attempt;
    add_exchange(out, story, exchange);
  }
}

void add_errors(std::string& out, const Story& story) {
  if (story.errors.empty()) return;
  out += "\nerrors\n";
  for (const StoryError& error : story.errors) {
    out += right("+" + show_span(span_of(story.begun, error.when)), 10) + "  ";
    append_visible(out, error.text);
    out += '\n';
  }
}

}  // namespace

std::string text_of(const Story& story) {
  std::string out;
  add_facts(out, story);
  add_attempts(out, story);
  add_time(out, story);
  add_messages(out, story);
  add_exchanges(out, story);
  add_errors(out, story);
  out += "\nnot here\n";
  for (const std::string& doubt : doubts_of(story)) {
    out += "  ";
    append_visible(out, doubt);
    out += '\n';
  }
  out += "  how long messages were queued before, and what other sessions did with them\n";
  return out;
}

std::string line_of(const Story& story) {
  std::string line = when(story.begun) + "  " +
                     right(show_span(span_of(story.begun, story.ended)), 8) + "  " + story.id;
  if (!story.attempts.empty()) line += "  " + host_of(story.attempts.back());
  line += "  " + counted(story.messages.size(), "message") + ": " + text_of(story.outcomes);
  if (story.worst_reply >= 400) line += ", worst " + std::to_string(story.worst_reply);
  if (story.gap_count > 0) line += ", with gaps";
  return visible(line) + "\n";
}

}  // namespace smtptape
