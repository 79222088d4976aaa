#include "transform/tensor_facts.h"

#include <fmt/format.h>

namespace hallmark {

Result<void> CheckTensorFacts(const HubValues& config, const TensorFacts& tensors) {
  const auto check = [&](std::string_view key, std::uint64_t said, std::string_view tensor,
                         std::uint64_t found) -> Result<void> {
    if (found == 0 || said == found) return {};
    return Error{Errc::kMalformed, config.Subject(),
                 fmt::format("{} is {}, but {} {}", key, said, tensor, found), std::nullopt,
                 "this configuration belongs to another model, or was edited"};
  };
  const auto check_key = [&](std::string_view key, std::string_view tensor,
                             std::uint64_t found) -> Result<void> {
    const auto said = HM_TRY(config.Integer(key));
    if (!said) return {};
    return check(key, *said, tensor, found);
  };
  if (!tensors.contradiction.empty()) {
    return Error{Errc::kMalformed, config.Subject(),
                 fmt::format("no configuration fits these tensors: {}", tensors.contradiction),
                 std::nullopt,
                 "hallmark diff against an official copy says which of them are wrong"};
  }
  HM_TRY(check_key("num_hidden_layers", "the number of layers is", tensors.layers));
  HM_TRY(check_key("hidden_size", "the columns of model.embed_tokens are", tensors.hidden_size));
  HM_TRY(check_key("vocab_size", "the rows of model.embed_tokens are", tensors.vocab_size));
  HM_TRY(check_key("intermediate_size", "the columns of mlp.down_proj are", tensors.ffn_size));
  // Mixtral's experts are its feed-forward blocks; Qwen's have a size of their own.
  const bool experts_are_ffn = config.Family().model_type == "mixtral";
  HM_TRY(check_key(experts_are_ffn ? "intermediate_size" : "moe_intermediate_size",
                   "the columns of an expert's last matrix are", tensors.expert_ffn_size));
  HM_TRY(check_key("shared_expert_intermediate_size",
                   "the columns of the shared expert's down_proj are",
                   tensors.shared_expert_ffn_size));
  const std::uint64_t head_dim = HM_TRY(config.HeadDim());
  const std::uint64_t heads = HM_TRY(config.Heads());
  const std::uint64_t key_heads = HM_TRY(config.RequiredInteger("num_key_value_heads"));
  HM_TRY(check("heads times head_dim", heads * head_dim, "the rows of self_attn.q_proj are",
               tensors.query_rows));
  HM_TRY(check("num_key_value_heads times head_dim", key_heads * head_dim,
               "the rows of self_attn.k_proj are", tensors.key_rows));
  const std::uint64_t rotated_pairs = HM_TRY(config.RopeDimensions()) / 2;
  HM_TRY(check("the number of rotated pairs", rotated_pairs, "the values of rope_freqs are",
               tensors.rope_freqs.size()));
  HM_TRY(check("the number of rotated pairs", rotated_pairs, "the values of rope_factors_long are",
               tensors.rope_factors_long.size()));
  HM_TRY(check("the number of rotated pairs", rotated_pairs, "the values of rope_factors_short are",
               tensors.rope_factors_short.size()));
  return {};
}

}  // namespace hallmark
