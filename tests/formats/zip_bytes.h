// ZIP archives written field by field, so that each can be made to lie.
#pragma once

#include <zlib.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_support.h"

namespace hallmark {

inline std::uint32_t Crc32(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

inline std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  HM_CHECK(deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  HM_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// One of the two headers of an entry.
struct ZipHeader {
  std::string name;
  std::uint16_t flags = 0x0800;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint32_t compressed = 0;
  std::uint32_t size = 0;
  std::string extra;
  std::uint32_t offset = 0;  // central only
};

struct ZipMember {
  ZipHeader local;
  ZipHeader central;
  std::string payload;
  std::string after;  // between the payload and what follows
};

inline ZipMember Stored(std::string name, std::string data) {
  ZipHeader header{std::move(name)};
  header.crc = Crc32(data);
  header.size = header.compressed = static_cast<std::uint32_t>(data.size());
  return {header, header, std::move(data), {}};
}

inline ZipMember Deflated(std::string name, std::string_view data) {
  ZipMember member = Stored(std::move(name), std::string(data));
  member.payload = Deflate(data);
  for (ZipHeader* header : {&member.local, &member.central}) {
    header->method = 8;
    header->compressed = static_cast<std::uint32_t>(member.payload.size());
  }
  return member;
}

// As torch.save streams it: nothing but the name in the local header, a descriptor behind.
inline ZipMember Streamed(std::string name, std::string data) {
  ZipMember member = Stored(std::move(name), std::move(data));
  member.local.flags = member.central.flags = 0x0808;
  member.after = Le32(0x08074b50) + Le32(member.central.crc) + Le32(member.central.compressed) +
                 Le32(member.central.size);
  member.local.crc = member.local.compressed = member.local.size = 0;
  return member;
}

struct ZipEnd {
  std::uint16_t disk = 0;
  std::uint16_t count = 0;
  std::uint32_t directory_size = 0;
  std::uint32_t directory_offset = 0;
  std::string comment;
  bool zip64 = false;
  std::uint64_t count64 = 0;
  std::uint64_t directory_size64 = 0;
  std::uint64_t directory_offset64 = 0;
  std::uint64_t record_at = 0;
};

// `change_end` may bend the end records, `change_central` the directory's bytes.
inline std::string MakeZip(std::vector<ZipMember> members,
                           const std::function<void(ZipEnd&)>& change_end = {}) {
  std::string out;
  for (ZipMember& member : members) {
    member.central.offset += static_cast<std::uint32_t>(out.size());
    const ZipHeader& h = member.local;
    out += Le32(0x04034b50) + Le16(20) + Le16(h.flags) + Le16(h.method) + Le32(0) + Le32(h.crc) +
           Le32(h.compressed) + Le32(h.size) + Le16(static_cast<std::uint16_t>(h.name.size())) +
           Le16(static_cast<std::uint16_t>(h.extra.size())) + h.name + h.extra + member.payload +
           member.after;
  }
  ZipEnd end;
  end.directory_offset = static_cast<std::uint32_t>(out.size());
  for (const ZipMember& member : members) {
    const ZipHeader& h = member.central;
    out += Le32(0x02014b50) + Le16(20) + Le16(20) + Le16(h.flags) + Le16(h.method) + Le32(0) +
           Le32(h.crc) + Le32(h.compressed) + Le32(h.size) +
           Le16(static_cast<std::uint16_t>(h.name.size())) +
           Le16(static_cast<std::uint16_t>(h.extra.size())) + Le16(0) + Le16(0) + Le16(0) +
           Le32(0) + Le32(h.offset) + h.name + h.extra;
  }
  end.count = static_cast<std::uint16_t>(members.size());
  end.directory_size = static_cast<std::uint32_t>(out.size()) - end.directory_offset;
  end.count64 = end.count;
  end.directory_size64 = end.directory_size;
  end.directory_offset64 = end.directory_offset;
  end.record_at = out.size();
  if (change_end) change_end(end);
  if (end.zip64) {
    out += Le32(0x06064b50) + Le64(44) + Le16(45) + Le16(45) + Le32(0) + Le32(0) +
           Le64(end.count64) + Le64(end.count64) + Le64(end.directory_size64) +
           Le64(end.directory_offset64) + Le32(0x07064b50) + Le32(0) + Le64(end.record_at) +
           Le32(1);
  }
  out += Le32(0x06054b50) + Le16(end.disk) + Le16(end.disk) + Le16(end.count) + Le16(end.count) +
         Le32(end.directory_size) + Le32(end.directory_offset) +
         Le16(static_cast<std::uint16_t>(end.comment.size())) + end.comment;
  return out;
}

}  // namespace hallmark
