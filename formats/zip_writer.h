// ZIP archives of tensors, as PyTorch and numpy keep them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "formats/file_layout.h"

namespace hallmark {

struct ZipEntryToWrite {
  std::string name;                                  // relative, UTF-8
  std::string literal;                               // what the entry begins with
  std::optional<std::size_t> tensor = std::nullopt;  // whose payload follows
};

// An archive of these entries in this order (APPNOTE 6.3): all stored, sizes and CRC-32 in the
// local header, no data descriptors, dated 1980-01-01. Each entry's bytes begin at a multiple of
// 64, by an extra field "FB" as torch pads with, so that they can be mapped. zip64 where sizes and
// offsets take more than 32 bits, or the entries' count more than 16. `payload_bytes[i]` is the
// size of tensor i, from MeasureTensors. Errors, without subject: kMalformed for names that are
// unsafe, no UTF-8, longer than 65,535 bytes, or stand twice.
Result<FileLayout> LayOutZip(std::span<const ZipEntryToWrite> entries,
                             std::span<const std::uint64_t> payload_bytes);

}  // namespace hallmark
