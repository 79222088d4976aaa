// The records of a ZIP archive (APPNOTE 6.3), as far as reader and writer name the same things.
#pragma once

#include <cstdint>
#include <limits>

namespace hallmark {

inline constexpr std::uint32_t kZipLocalSignature = 0x04034b50;
inline constexpr std::uint32_t kZipCentralSignature = 0x02014b50;
inline constexpr std::uint32_t kZipDescriptorSignature = 0x08074b50;
inline constexpr std::uint32_t kZipEndSignature = 0x06054b50;
inline constexpr std::uint32_t kZipEnd64Signature = 0x06064b50;
inline constexpr std::uint32_t kZipLocator64Signature = 0x07064b50;
inline constexpr std::uint64_t kZipLocalBytes = 30;  // without name and extra fields
inline constexpr std::uint64_t kZipCentralBytes = 46;
inline constexpr std::uint64_t kZipEndBytes = 22;
inline constexpr std::uint64_t kZipEnd64Bytes = 56;
inline constexpr std::uint64_t kZipLocator64Bytes = 20;
inline constexpr std::uint16_t kZip64Field = 1;
inline constexpr std::uint16_t kZipUtf8Name = 0x0800;  // a general purpose flag
// In the place of a number that stands in a zip64 field or record.
inline constexpr std::uint32_t kZipMax32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint16_t kZipMax16 = std::numeric_limits<std::uint16_t>::max();

}  // namespace hallmark
