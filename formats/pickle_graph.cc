#include "formats/pickle_graph.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace hallmark {

PickleGraph::PickleGraph() {
  nodes_ = {{PickleKind::kNone},
            {PickleKind::kBool, false, 0, 0},
            {PickleKind::kBool, false, 0, 1},
            {PickleKind::kTuple, false, 0, 0}};
}

std::string_view PickleGraph::AsText(PickleRef ref) const {
  const Node& node = nodes_[ref];
  return {std::bit_cast<const char*>(node.payload), node.extra};
}

std::span<const PickleRef> PickleGraph::Items(PickleRef ref) const {
  const Node& node = nodes_[ref];
  switch (node.kind) {
    case PickleKind::kTuple:
    case PickleKind::kFrozenSet:
      return std::span(tuple_items_).subspan(node.payload, node.extra);
    case PickleKind::kList:
    case PickleKind::kSet:
      if (node.extra != 0) return items_[node.extra - 1];
      return {};
    case PickleKind::kObject:
      if (node.extra != 0) return object_growth_[node.extra - 1].items;
      return {};
    default:
      return {};
  }
}

std::span<const PicklePair> PickleGraph::Pairs(PickleRef ref) const {
  const Node& node = nodes_[ref];
  if (node.extra == 0) return {};
  if (node.kind == PickleKind::kDict) return pairs_[node.extra - 1];
  if (node.kind == PickleKind::kObject) return object_growth_[node.extra - 1].pairs;
  return {};
}

Result<PickleRef> PickleGraph::Add(Node node) {
  if (nodes_.size() >= std::numeric_limits<PickleRef>::max()) {
    return Error{Errc::kUnsupported, "", "a pickle of more than 2^32 values"};
  }
  nodes_.push_back(node);
  return static_cast<PickleRef>(nodes_.size() - 1);
}

Result<PickleRef> PickleGraph::AddInteger(std::int64_t value) {
  return Add({PickleKind::kInteger, false, 0, static_cast<std::uint64_t>(value)});
}

Result<PickleRef> PickleGraph::AddFloat(double value) {
  return Add({PickleKind::kFloat, false, 0, std::bit_cast<std::uint64_t>(value)});
}

std::string_view PickleGraph::Keep(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > text_room_ - text_used_) {
    // Blocks grow with the graph, so that a small one stays small.
    const std::size_t block = std::clamp<std::size_t>(text_room_ * 2, 256, 64 * 1024);
    if (text.size() > block / 4) {
      text_.push_front(std::make_unique<char[]>(text.size()));
      std::memcpy(text_.front().get(), text.data(), text.size());
      return {text_.front().get(), text.size()};
    }
    text_.push_back(std::make_unique<char[]>(block));
    text_room_ = block;
    text_used_ = 0;
  }
  char* place = text_.back().get() + text_used_;
  std::memcpy(place, text.data(), text.size());
  text_used_ += text.size();
  return {place, text.size()};
}

Result<PickleRef> PickleGraph::AddText(PickleKind kind, std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    return Error{Errc::kUnsupported, "", "a pickled text of more than 2^32 bytes"};
  }
  const std::string_view kept = Keep(text);
  return Add({kind, false, static_cast<std::uint32_t>(kept.size()),
              std::bit_cast<std::uint64_t>(kept.data())});
}

Result<PickleRef> PickleGraph::AddTuple(PickleKind kind, std::span<const PickleRef> items) {
  if (items.empty() && kind == PickleKind::kTuple) return EmptyTuple();
  const std::uint64_t begin = tuple_items_.size();
  tuple_items_.insert(tuple_items_.end(), items.begin(), items.end());
  return Add({kind, false, static_cast<std::uint32_t>(items.size()), begin});
}

Result<PickleRef> PickleGraph::AddContainer(PickleKind kind) { return Add({kind}); }

Result<PickleRef> PickleGraph::AddGlobal(PickleGlobal global) {
  globals_.push_back(global);
  return Add({PickleKind::kGlobal, false, 0, globals_.size() - 1});
}

Result<PickleRef> PickleGraph::AddObject(PickleObject object) {
  objects_.push_back(object);
  return Add({PickleKind::kObject, false, 0, objects_.size() - 1});
}

Result<PickleRef> PickleGraph::AddPersistent(PickleRef id) {
  return Add({PickleKind::kPersistent, false, 0, id});
}

void PickleGraph::Append(PickleRef container, std::span<const PickleRef> items) {
  Node& node = nodes_[container];
  const bool is_object = node.kind == PickleKind::kObject;
  if (node.extra == 0) {
    if (is_object) {
      object_growth_.emplace_back();
    } else {
      items_.emplace_back();
    }
    node.extra = static_cast<std::uint32_t>(is_object ? object_growth_.size() : items_.size());
  }
  auto& grown = is_object ? object_growth_[node.extra - 1].items : items_[node.extra - 1];
  grown.insert(grown.end(), items.begin(), items.end());
}

void PickleGraph::SetItems(PickleRef container, std::span<const PickleRef> keys_and_values) {
  Node& node = nodes_[container];
  const bool is_object = node.kind == PickleKind::kObject;
  if (node.extra == 0) {
    if (is_object) {
      object_growth_.emplace_back();
    } else {
      pairs_.emplace_back();
    }
    node.extra = static_cast<std::uint32_t>(is_object ? object_growth_.size() : pairs_.size());
  }
  auto& grown = is_object ? object_growth_[node.extra - 1].pairs : pairs_[node.extra - 1];
  if (keys_and_values.size() > 2)
    grown.reserve(std::max(grown.size() + keys_and_values.size() / 2, grown.size() * 2));
  for (std::size_t i = 0; i + 1 < keys_and_values.size(); i += 2) {
    grown.emplace_back(keys_and_values[i], keys_and_values[i + 1]);
  }
}

}  // namespace hallmark
