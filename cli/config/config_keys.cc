#include "cli/config/config_keys.h"

#include <array>

#include "filters/property.h"
#include "format/limits.h"

namespace smtptape {

namespace {

using Store = StoreSettings;
using Source = SourceSettings;
using Kind = ConfigKind;

constexpr std::uint64_t kTiB = 1024 * 1024 * kMiB;
constexpr std::uint64_t kSecond = 1'000'000'000;  // each tape is a file that is made and synced
constexpr std::uint64_t kMostTapes = 1'000'000'000;

// clang-format off
const std::array kStoreKeys = std::to_array<ConfigKey<Store>>({
    {"store", Kind::Path, &Store::store, "must be given, here or by `--store`",
     "The directory of tapes; made when it is missing."},
    {"rotate_size", Kind::Size, &Store::rotate_size, "256M",
     "A new tape begins when one is so large on disk; with max_bytes at a quarter of it at most.", 4 * kKiB, kTiB},
    {"rotate_interval", Kind::Duration, &Store::rotate_interval, "1h",
     "A new tape begins after so long; at least 1s.", kSecond},
    {"rotate_aligned", Kind::YesNo, &Store::rotate_aligned, "false",
     "Tapes begin at multiples of the interval: on the hour, at midnight (UTC)."},
    {"max_bytes", Kind::Size, &Store::max_bytes, kNoLimit,
     "The oldest tapes are deleted above so many bytes, all sources together."},
    {"max_age", Kind::Duration, &Store::max_age, kNoLimit,
     "Tapes are deleted that ended so long ago.", 1},
    {"max_tapes", Kind::Number, &Store::max_tapes, kNoLimit,
     "The oldest tapes are deleted above so many; at least two for each source.", 1, kMostTapes},
    {"keep_free", Kind::Share, &Store::keep_free, "10%",
     "The oldest tapes are deleted while less of the file system is free; recording pauses when "
     "that is not enough."},
    {"keep_at_least", Kind::Duration, &Store::keep_at_least, "24h",
     "For keep_free nothing younger is deleted."},
    {"on_full", Kind::Choice, &Store::on_full, "drop",
     "When nothing can be written: lose what comes and count it, delete the oldest tapes, or stop."},
    {"flush_interval", Kind::Duration, &Store::flush_interval, "1s",
     "What came is written after so long: all that a crash of the program can cost.", 1},
    {"sync_interval", Kind::Duration, &Store::sync_interval, "1s",
     "What was written is handed to the disk after so long, for power loss.", 1},
    {"batch_bytes", Kind::Size, &Store::batch_bytes, "256K",
     "So much is written at once.", kKiB, 64 * kMiB},
    {"group_bytes", Kind::Size, &Store::group_bytes, "16M",
     "So much is compressed as one.", kKiB, 64 * kMiB},
    {"queue_bytes", Kind::Size, &Store::queue_bytes, "128M",
     "So much waits in memory for a slow disk, of all sources; what is more is lost and counted.",
     kMiB, 64 * 1024 * kMiB},
    {"max_frame", Kind::Size, &Store::max_frame, "64M",
     "Larger frames are skipped and leave a gap.", 1, kLargestMaxFrame},
    {"bodies", Kind::Choice, &Store::bodies, "full",
     "What is kept of messages: everything, the header, or nothing."},
    {"secrets", Kind::Choice, &Store::secrets, "keep",
     "Whether passwords of AUTH are recorded, or masked."},
    {"group_readable", Kind::YesNo, &Store::group_readable, "false",
     "Tapes can be read by the group of the store's directory."},
    {"listen_metrics", Kind::Listen, &Store::listen_metrics, "off",
     "Where metrics and health are served, such as 127.0.0.1:9109; empty is off."},
    {"socket", Kind::Path, &Store::socket, "smtptape.sock in the store",
     "The Unix socket on which the recorder tells its status and takes orders."},
});

// The filters stand where kProperties has them.
const std::array kSourceKeysBefore = std::to_array<ConfigKey<Source>>({
    {"name", Kind::Text, &Source::name, "the endpoint's host",
     "The name of the source; for loopback it is that of this machine."},
    {"endpoint", Kind::Text, &Source::endpoint, "must be given",
     "kumod's HTTP listener, without user and password."},
});
const std::array kSourceKeysAfter = std::to_array<ConfigKey<Source>>({
    {"terse", Kind::YesNo, &Source::terse, "false",
     "Let the server abbreviate what is written."},
    {"as_live", Kind::YesNo, &Source::as_live, "false",
     "Take what the server sends, also where it ignores a filter."},
    {"cacert", Kind::Path, &Source::cacert, "the system's",
     "The certificates that an https endpoint is checked against."},
    {"tls_fingerprint", Kind::Text, &Source::tls_fingerprint, "none",
     "The SHA-256 fingerprint that the endpoint's certificate must have."},
    {"tls_cert", Kind::Path, &Source::tls_cert, "none",
     "The certificate that we show the endpoint."},
    {"tls_key", Kind::Path, &Source::tls_key, "none",
     "The key of tls_cert."},
    {"basic_auth_file", Kind::Path, &Source::basic_auth_file, "none",
     "A file that holds USER:PASSWORD."},
    {"bearer_token_file", Kind::Path, &Source::bearer_token_file, "none",
     "A file that holds a token."},
    {"bodies", Kind::Choice, &Source::bodies, "the store's",
     "As above, for this source."},
    {"secrets", Kind::Choice, &Source::secrets, "the store's",
     "As above, for this source."},
});
// clang-format on

// "--mail-from" is the key mail_from.
std::vector<std::string> filter_names() {
  std::vector<std::string> names;
  for (const Property& property : kProperties) {
    std::string name(property.flag.substr(2));
    for (char& c : name) {
      if (c == '-') c = '_';
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<ConfigKey<Source>> all_source_keys() {
  static const std::vector<std::string> kNames = filter_names();
  std::vector<ConfigKey<Source>> keys(kSourceKeysBefore.begin(), kSourceKeysBefore.end());
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const bool address = kProperties[i].kind == PropertyKind::Address;
    keys.push_back({kNames[i],
                    address ? Kind::Networks : Kind::Values,
                    ConfigField<Source>(std::in_place_type<std::size_t>, i),
                    "everything",
                    kProperties[i].help});
  }
  keys.insert(keys.end(), kSourceKeysAfter.begin(), kSourceKeysAfter.end());
  return keys;
}

}  // namespace

std::string_view name_of(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::Text: return "string";
    case ConfigKind::Path: return "path";
    case ConfigKind::Size: return "size";
    case ConfigKind::Duration: return "duration";
    case ConfigKind::Number: return "number";
    case ConfigKind::YesNo: return "true or false";
    case ConfigKind::Share: return "share or size";
    case ConfigKind::Choice: return "word";
    case ConfigKind::Listen: return "HOST:PORT";
    case ConfigKind::Values: return "string or list";
    case ConfigKind::Networks: return "network or list";
  }
  return "";
}

bool changes_on_reload(std::string_view store_key) {
  for (const std::string_view limit :
       {"rotate_", "max_bytes", "max_age", "max_tapes", "keep_", "on_full"}) {
    if (store_key.starts_with(limit)) return true;
  }
  return false;
}

std::span<const ConfigKey<StoreSettings>> store_keys() {
  return kStoreKeys;
}

std::span<const ConfigKey<SourceSettings>> source_keys() {
  static const std::vector<ConfigKey<Source>> kKeys = all_source_keys();
  return kKeys;
}

std::span<const std::string_view> words_of(OnFull /*unused*/) {
  static constexpr std::array<std::string_view, 3> kWords{"drop", "delete-oldest", "stop"};
  return kWords;
}
std::span<const std::string_view> words_of(Bodies /*unused*/) {
  static constexpr std::array<std::string_view, 3> kWords{"full", "headers", "none"};
  return kWords;
}
std::span<const std::string_view> words_of(Secrets /*unused*/) {
  static constexpr std::array<std::string_view, 2> kWords{"keep", "mask"};
  return kWords;
}

}  // namespace smtptape
