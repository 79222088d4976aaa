// Any JSON taken for config.json or params.json is refused or converted, and what was converted
// there and back once stays as it is when that is done again.
#include <string>
#include <vector>

#include "src/base/error.h"
#include "transform/gguf_keys.h"
#include "transform/hub_config.h"
#include "transform/meta_params.h"

namespace hallmark {
namespace {

JsonDocument Parsed(const std::string& text) {
  auto document = JsonDocument::Parse(text, "fuzz");
  HM_CHECK(document.has_value());
  return *std::move(document);
}

// To GGUF's keys and back. nullopt: refused on the way, or with tensors of its own.
std::optional<std::string> ThroughGguf(const JsonDocument& config) {
  const auto keys = GgufKeysOf(config, {});
  if (!keys) {
    HM_CHECK(!keys.error().message.empty());
    return std::nullopt;
  }
  if (!keys->rope_tensors.empty()) return std::nullopt;
  auto back = HubConfigFromGguf(keys->entries, {.has_output = true}, "fuzz");
  if (!back) return std::nullopt;
  return std::move(back->text);
}

std::optional<std::string> ThroughMeta(const JsonDocument& config) {
  const auto params = MetaParamsFromHub(config, {});
  if (!params) return std::nullopt;
  auto back = HubConfigFromMeta(Parsed(params->text), {.vocab_size = 0, .ffn_size = 160});
  if (!back) return std::nullopt;
  return std::move(back->text);
}

}  // namespace
}  // namespace hallmark

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hallmark;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = JsonDocument::Parse(text, "fuzz");
  if (!document) return 0;

  if (const auto once = ThroughGguf(*document)) HM_CHECK(ThroughGguf(Parsed(*once)) == once);
  if (const auto once = ThroughMeta(*document)) HM_CHECK(ThroughMeta(Parsed(*once)).has_value());

  const TensorFacts tensors{.vocab_size = 320, .ffn_size = 160, .has_output = true};
  if (const auto config = HubConfigFromMeta(*document, tensors)) {
    const auto keys = GgufKeysOf(Parsed(config->text), {});
    HM_CHECK(keys.has_value() || !keys.error().message.empty());
  }
  return 0;
}
