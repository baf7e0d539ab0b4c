#include "tests/support/power_loss.h"

#include <algorithm>
#include <utility>

namespace smtptape {

namespace {

void put(std::string& content, const PowerLoss::Piece& piece, std::size_t size) {
  if (size == 0) return;
  content.resize(std::max<std::size_t>(content.size(), piece.offset + size));
  content.replace(piece.offset, size, piece.bytes, 0, size);
}

void apply(std::map<std::string, std::size_t>& names, const DiskOperation& operation) {
  switch (operation.kind) {
    case DiskOperation::Kind::Create: names[operation.name] = operation.file; return;
    case DiskOperation::Kind::Link: names[operation.new_name] = names.at(operation.name); return;
    case DiskOperation::Kind::Rename:
      names[operation.new_name] = names.at(operation.name);
      names.erase(operation.name);
      return;
    case DiskOperation::Kind::Unlink: names.erase(operation.name); return;
    case DiskOperation::Kind::Write:
    case DiskOperation::Kind::Sync:
    case DiskOperation::Kind::SyncDirectory: return;
  }
}

}  // namespace

PowerLoss::PowerLoss(std::span<const DiskOperation> done) {
  for (const DiskOperation& operation : done) {
    switch (operation.kind) {
      case DiskOperation::Kind::Write: write(operation); break;
      case DiskOperation::Kind::Sync: sync(operation.file); break;
      case DiskOperation::Kind::SyncDirectory:
        for (const DiskOperation& change : unsynced_names_)
          apply(names_, change);
        unsynced_names_.clear();
        break;
      case DiskOperation::Kind::Create:
      case DiskOperation::Kind::Link:
      case DiskOperation::Kind::Rename:
      case DiskOperation::Kind::Unlink: unsynced_names_.push_back(operation); break;
    }
  }
}

void PowerLoss::write(const DiskOperation& operation) {
  std::uint64_t offset = operation.offset;
  std::string_view rest = operation.bytes;
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(rest.size(), kPage - offset % kPage);
    unsynced_.push_back({operation.file, offset, std::string(rest.substr(0, size))});
    rest.remove_prefix(size);
    offset += size;
  }
}

void PowerLoss::sync(std::size_t file) {
  for (const Piece& piece : unsynced_) {
    if (piece.file == file) put(synced_[file], piece, piece.bytes.size());
  }
  std::erase_if(unsynced_, [file](const Piece& piece) { return piece.file == file; });
}

DiskContent PowerLoss::state(const std::vector<std::size_t>& kept, std::size_t names) const {
  std::map<std::size_t, std::string> files = synced_;
  for (std::size_t i = 0; i < unsynced_.size(); ++i)
    put(files[unsynced_[i].file], unsynced_[i], std::min(kept[i], unsynced_[i].bytes.size()));
  std::map<std::string, std::size_t> there = names_;
  for (std::size_t i = 0; i < names; ++i)
    apply(there, unsynced_names_[i]);
  DiskContent content;
  for (const auto& [name, file] : there)
    content[name] = files[file];
  return content;
}

}  // namespace smtptape
