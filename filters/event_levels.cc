#include "filters/event_levels.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "filters/masks.h"
#include "format/wire/wire.h"
#include "smtp/dialogue.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr char kMask = '*';

// Returns whether there was anything to mask.
bool mask(std::string_view& text, const std::vector<ByteRange>& secrets, Arena& arena) {
  if (secrets.empty()) return false;
  const std::span<char> copy(arena.allocate(text.size()), text.size());
  std::copy(text.begin(), text.end(), copy.begin());
  if (!mask(copy, secrets)) return false;
  text = {copy.data(), copy.size()};
  return true;
}

// A frame of which nothing can be told but how long it is.
void blank(Event& event, Arena& arena) {
  const std::size_t size = event.verbatim->frame.size();
  if (size == 0) return;
  char* const frame = arena.allocate(size);
  std::memset(frame, kMask, size);
  Verbatim blanked;
  blanked.frame = {frame, size};
  blanked.opcode = event.verbatim->opcode;
  blanked.problem = event.verbatim->opcode == Opcode::Binary ? Problem::Binary : Problem::Malformed;
  blanked.when_known = false;
  event.verbatim = arena.make<Verbatim>(blanked);
  event.kind = EventKind::Unknown;
  event.text = event.level = {};
  event.length = 0;
  event.trimmed = false;
  event.masked = true;
}

// A frame kept as received has room for more than the event: other fields, other spellings.  What
// the event is goes into the usual form; where that doesn't hold it, nothing is kept.
void drop_frame(Event& event, Arena& arena) {
  const bool fits = event.meta != nullptr && to_unix_nanos(event.when).has_value() &&
                    event.level.find('\n') == std::string_view::npos;
  if (!fits) return blank(event, arena);
  event.verbatim = nullptr;
  event.masked = true;
}

// A session's dialogue, and its metadata as it was last, if that had to be masked.
struct Followed {
  std::string session;
  SmtpDialogue dialogue;
  std::uint64_t losses = 0;  // that it knows of
  std::uint64_t meta = 0;    // its serial
  MetaPtr masked;
};

// The sessions, the one that was silent for longest last.
class Dialogues {
 public:
  explicit Dialogues(std::size_t most) : most_(std::max<std::size_t>(most, 1)) {}

  // Null: nothing is known of it.
  Followed* find_session(std::string_view session) {
    const auto found = places_.find(session);
    if (found == places_.end()) return nullptr;
    list_.splice(list_.begin(), list_, found->second);
    return &up_to_date(*found->second);
  }

  SmtpDialogue* find(std::string_view session) {
    Followed* const known = find_session(session);
    return known == nullptr ? nullptr : &known->dialogue;
  }

  SmtpDialogue& add(std::string_view session) {
    if (SmtpDialogue* const known = find(session)) return *known;
    if (list_.size() >= most_) remove(list_.back().session);
    list_.emplace_front();
    list_.front().session = session;
    list_.front().losses = losses_;
    places_.emplace(list_.front().session, list_.begin());
    return list_.front().dialogue;
  }

  void remove(std::string_view session) {
    const auto found = places_.find(session);
    if (found == places_.end()) return;
    const auto place = found->second;
    places_.erase(found);  // its key is the session's text
    list_.erase(place);
  }

  void lost_track() { ++losses_; }

 private:
  Followed& up_to_date(Followed& session) const {
    if (session.losses != losses_) session.dialogue.lost_track();
    session.losses = losses_;
    return session;
  }

  std::size_t most_;
  std::uint64_t losses_ = 0;
  std::list<Followed> list_;
  boost::unordered_flat_map<std::string_view, std::list<Followed>::iterator, TextHash> places_;
};

std::string_view session_of(const Event& event) {
  if (event.meta == nullptr || !event.meta->session_id()) return {};
  return *event.meta->session_id();
}

}  // namespace

std::vector<Note> notes_of(const Levels& levels) {
  std::vector<Note> notes;
  if (levels.bodies == Bodies::Headers) notes.push_back({std::string(kBodiesNote), "headers"});
  if (levels.bodies == Bodies::None) notes.push_back({std::string(kBodiesNote), "none"});
  if (levels.secrets == Secrets::Mask) notes.push_back({std::string(kSecretsNote), "mask"});
  return notes;
}

struct CaptureLevels::Impl {
  Levels levels;
  Dialogues dialogues;
  Cuts cuts;

  // Whether the event's metadata repeats a secret; then it becomes another.
  bool mask_meta(Event& event, EventBatch& batch) {
    if (levels.secrets != Secrets::Mask || event.meta == nullptr) return false;
    Followed* const known = dialogues.find_session(session_of(event));
    if (known == nullptr || !known->dialogue.knows_secrets()) return false;
    // What is written may make something a secret.
    const bool written =
        event.kind == EventKind::Write || event.kind == EventKind::AbbreviatedWrite;
    if (written || known->meta != event.meta->serial()) {
      known->masked = masked_meta(*event.meta, known->dialogue);
      known->meta = event.meta->serial();
    }
    if (known->masked == nullptr) return false;
    event.meta = known->masked.get();
    batch.pins.emplace_back(event.meta, [keep = known->masked](const void*) {});
    return true;
  }

  // Of a level nothing but the words of KumoMTA is expected.
  bool mask_level(Event& event, Arena& arena) {
    if (event.kind != EventKind::Diagnostic) return false;
    cuts.secrets.clear();
    find_quoted(session_of(event), event.level);
    return mask(event.level, cuts.secrets, arena);
  }

  // Fills `cuts` for the event.
  void look_at(const Event& event) {
    cuts.secrets.clear();
    cuts.kept = event.text.size();
    const std::string_view session = session_of(event);
    switch (event.kind) {
      case EventKind::BeginSession: return dialogues.remove(session);
      // Known from its beginning, it is believed more.
      case EventKind::Connected: return dialogues.add(session).connected();
      case EventKind::Closed: return close_connection(session);
      case EventKind::MessageObtained:
        if (SmtpDialogue* const known = dialogues.find(session)) known->message_obtained();
        return;
      case EventKind::Write: return dialogues.add(session).write(event.text, levels, cuts);
      case EventKind::AbbreviatedWrite:
        return dialogues.add(session).abbreviated_write(event.text, event.length, levels, cuts);
      case EventKind::Read: return read(session, event.text);
      case EventKind::Diagnostic: return find_quoted(session, event.text);
      case EventKind::Unknown: return;
    }
  }

  // What was sent on the old connection may still be quoted.
  void close_connection(std::string_view session) {
    SmtpDialogue* const known = dialogues.find(session);
    if (known == nullptr) return;
    known->closed();
    if (!known->knows_secrets()) dialogues.remove(session);
  }

  // KumoMTA quotes the command that was refused; we may not have seen it.
  void find_quoted(std::string_view session, std::string_view text) {
    if (levels.secrets != Secrets::Mask) return;
    if (SmtpDialogue* const known = dialogues.find(session)) known->find_quoted(text, cuts);
    QuotedArgument quoted = quoted_auth_argument(text, 0);
    while (quoted.size > 0) {
      cuts.secrets.push_back({quoted.at, quoted.at + quoted.size});
      quoted = quoted_auth_argument(text, quoted.at + quoted.size);
    }
  }

  // Of a session that is new to us only a challenge matters.
  void read(std::string_view session, std::string_view text) {
    if (SmtpDialogue* const known = dialogues.find(session)) return known->read(text, cuts);
    if (text.find("334") == std::string_view::npos) return;
    dialogues.add(session).read(text, cuts);
  }
};

CaptureLevels::CaptureLevels(const Levels& levels, std::size_t most_connections)
    : impl_(std::make_unique<Impl>(Impl{levels, Dialogues(most_connections), {}})) {
}
CaptureLevels::~CaptureLevels() = default;

void CaptureLevels::lost_track() {
  impl_->dialogues.lost_track();
}

void CaptureLevels::apply(Event& event, EventBatch& batch) {
  Arena& arena = batch.arena;
  if (event.kind == EventKind::Unknown) {
    if (event.verbatim != nullptr) blank(event, arena);
  } else {
    impl_->look_at(event);
    const Cuts& cuts = impl_->cuts;
    if (cuts.kept < event.text.size()) {
      if (event.kind == EventKind::Write) event.length = event.text.size();
      event.text = event.text.substr(0, cuts.kept);
      event.trimmed = true;
    }
    if (mask(event.text, cuts.secrets, arena)) event.masked = true;
    if (impl_->mask_level(event, arena)) event.masked = true;
    if (impl_->mask_meta(event, batch)) event.masked = true;
    if (event.verbatim != nullptr) drop_frame(event, arena);
  }
  if (event.trimmed) ++trimmed_;
  if (event.masked) ++masked_;
}

}  // namespace smtptape
