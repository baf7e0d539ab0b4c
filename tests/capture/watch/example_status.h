// A recorder's status as a daemon might tell it, with every field other than it is by default.
#pragma once

#include "capture/watch/status.h"

namespace smtptape::testing {

inline Loss& loss_in(Ledger& ledger, GapCause cause) {
  auto& losses = is_upstream(cause) ? ledger.upstream : ledger.lost;
  return losses[static_cast<std::size_t>(cause) - 1];
}

inline SourceStatus example_source() {
  SourceStatus source;
  source.name = "mta1";
  source.endpoint = "127.0.0.1:8000";
  source.connected = true;
  source.since = 1'764'040'000'250'000'000;
  source.last_error = "connecting to 127.0.0.1:8000: Connection refused";
  source.last_error_at = 1'764'039'999'000'000'000;
  source.reconnects = {{"refused", 3}, {"reset", 1}};
  source.ledger.received = 1200;
  source.ledger.stored = 1000;
  source.ledger.not_selected = 150;
  loss_in(source.ledger, GapCause::QueueFull) = {40, 2, 0};
  loss_in(source.ledger, GapCause::Oversize) = {10, 10, 0};
  loss_in(source.ledger, GapCause::Lag) = {77, 2, 0};
  loss_in(source.ledger, GapCause::Disconnected) = {0, 4, 4};
  source.received_bytes = 1'234'567;
  source.last_event_at = 1'764'043'199'500'000'000;
  source.receive_delay.add(0.0005);
  source.receive_delay.add(0.02);
  source.receive_delay.add(700);
  source.open_sessions = 12;
  source.events_per_second = 12.5;
  source.queue_bytes = 4096;
  source.waits_for = 1'500'000'000;
  source.stalled_for = 250'000'000;
  source.write_errors = 5;
  source.tape = "mta1-00000007-20251125T030000Z.tape";
  source.tape_bytes = 1 << 20;
  source.tapes_sealed = {1, 2, 3, 4};
  return source;
}

inline RecorderStatus example_status() {
  RecorderStatus status;
  status.version = "smtptape 1.2.3";
  status.started = 1'764'000'000'000'000'000;
  status.now = 1'764'043'200'000'000'000;
  status.sources = {example_source()};
  status.store = "/var/lib/smtptape";
  status.store_bytes = 10 << 20;
  status.store_free_bytes = 100 << 20;
  status.store_wanted_free_bytes = 10 << 20;
  status.store_oldest = 1'763'000'000'000'000'000;
  status.pruned = {{"max-age", 555}};
  status.queue_limit = 64 << 20;
  status.flushes.add(0.004);
  status.syncs.add(0.3);
  return status;
}

// The same with a second source that is in trouble.
inline RecorderStatus troubled_status() {
  RecorderStatus status = example_status();
  SourceStatus& away = status.sources.emplace_back(example_source());
  away.name = "mta2";
  away.connected = false;
  away.last_error = "connecting to 10.0.0.2:8000:\nno route";
  SourceStatus& full = status.sources.emplace_back(example_source());
  full.name = "mta3";
  full.writing = false;
  full.disk_trouble = "No space left on device";
  return status;
}

}  // namespace smtptape::testing
