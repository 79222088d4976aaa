// Any text is either refused as a manifest, with a place and a reason, or one whose canonical form
// is read again and written to the same bytes, and whose paths stay inside the directory.
#include <string>
#include <string_view>

#include "src/io/directory.h"
#include "weights/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Manifest> manifest = ParseManifest(text, "fuzz.json");
  if (!manifest) {
    HM_CHECK(manifest.error().subject == "fuzz.json" && !manifest.error().message.empty());
    return 0;
  }
  for (const ManifestFile& file : manifest->files) {
    const auto path = CheckRelativePath(file.path);
    HM_CHECK(path.has_value() && *path == file.path);
  }
  const Result<std::string> written = WriteManifest(*manifest);
  HM_CHECK(written.has_value());
  const Result<Manifest> again = ParseManifest(*written, "fuzz.json");
  HM_CHECK(again.has_value());
  HM_CHECK(*WriteManifest(*again) == *written);
  return 0;
}
