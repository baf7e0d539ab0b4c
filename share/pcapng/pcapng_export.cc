#include "share/pcapng/pcapng_export.h"

#include <utility>

#include "sessions/gathered_sessions.h"
#include "share/pcapng/packet_file.h"
#include "share/pcapng/session_packets.h"

namespace smtptape {

class PcapngExport::Impl {
 public:
  Impl(ByteSink& out, std::string application)
      : file_(out, std::move(application)),
        sessions_(Sessions::Until::Silent,
                  [this](std::string id) { return SessionPackets(std::move(id), file_); }) {}

  void tell_recorders_apart() { sessions_.tell_recorders_apart(); }

  void add(const EventBatch& batch) {
    for (const Gap& gap : batch.gaps)
      file_.add(gap);
    take(sessions_.add(batch));
  }

  PcapngTotals finish() {
    take(sessions_.finish());
    file_.finish();
    totals_.connections = file_.connections;
    totals_.packets = file_.packets();
    totals_.ports.assign(file_.ports.begin(), file_.ports.end());
    return std::move(totals_);
  }

 private:
  using Sessions = GatheredSessions<SessionPackets>;

  void take(const std::vector<PacketedSession>& complete) {
    for (const PacketedSession& session : complete)
      ++(session.any ? totals_.sessions : totals_.unconnected);
  }

  PacketFile file_;
  Sessions sessions_;
  PcapngTotals totals_;
};

PcapngExport::PcapngExport(ByteSink& out, std::string application)
    : impl_(std::make_unique<Impl>(out, std::move(application))) {
}

PcapngExport::~PcapngExport() = default;

void PcapngExport::tell_recorders_apart() {
  impl_->tell_recorders_apart();
}

void PcapngExport::add(const EventBatch& batch) {
  impl_->add(batch);
}

PcapngTotals PcapngExport::finish() {
  return impl_->finish();
}

}  // namespace smtptape
