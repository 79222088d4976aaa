// Any bytes with the right digest at their end, as a list of changes beside a copy: refused with a
// reason, or changes within their files, which can be made or not, and nowhere else.
#include "verify/repair/mend_journal.h"

#include <string>

#include "src/hash/hasher.h"
#include "tests/verify/repair/crashing_disk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  std::string text(AsText(bytes));
  text += AsText(HashBytes(Algorithm::kSha256, bytes).Bytes());
  CrashingDisk disk;
  disk.Put("work/changes", text);
  disk.Put("work/files/0", "replacement");
  disk.Put("copy/a", "a file");
  disk.Put("outside", "not to be touched");
  const auto journal = MendJournal::Find(disk, "work");
  if (!journal) {
    HM_CHECK(!journal.error().message.empty());
    return 0;
  }
  if (!*journal) return 0;
  for (const FileChange& change : (*journal)->Changes()) {
    for (const ByteRange& block : change.blocks) HM_CHECK(block.End() <= change.size);
    if (change.size > (1 << 20)) return 0;  // it would be made so large
  }
  (void)(*journal)->Apply(disk, "copy");
  HM_CHECK(disk.Get("outside") == "not to be touched");
  return 0;
}
