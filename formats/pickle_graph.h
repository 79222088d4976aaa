// What a pickle describes, as plain data in an arena: no value owns another, so sharing and cycles
// cost nothing and nothing here recurses.
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/pickle_globals.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace hallmark {

// A value of one PickleGraph.
using PickleRef = std::uint32_t;

enum class PickleKind : std::uint8_t {
  kNone,
  kBool,
  kInteger,     // fits 64 bits
  kBigInteger,  // two's complement, little-endian, in AsBytes
  kFloat,
  kText,  // UTF-8, with surrogates as Python's "surrogatepass" writes them
  kBytes,
  kTuple,
  kFrozenSet,
  kList,
  kSet,
  kDict,
  kGlobal,      // a name that Python would import
  kObject,      // what a call would return
  kPersistent,  // a reference to something outside the stream
};

// A name that was looked up, mapped from Python 2 where needed.
struct PickleGlobal {
  std::string_view module;
  std::string_view name;
  std::uint64_t offset = 0;  // of the opcode
  GlobalKind kind = GlobalKind::kUnknown;
};

// The result of a call nobody made.
struct PickleObject {
  PickleRef callable = 0;
  PickleRef arguments = 0;            // usually a tuple
  std::optional<PickleRef> keywords;  // NEWOBJ_EX
  std::optional<PickleRef> state;     // the last BUILD
  std::uint64_t offset = 0;           // of the opcode that made it
  bool is_bare = false;               // NEWOBJ: made by __new__ only, no __init__ saw the arguments
  bool had_other_state = false;       // before the last BUILD; Python may merge the two
};

using PicklePair = std::pair<PickleRef, PickleRef>;

// Owns every value of one stream; memory grows with the opcodes read, never with what they refer
// to. Built by the interpreter, immutable and shareable after that. Views live as long as it does.
class PickleGraph {
 public:
  PickleGraph();
  PickleGraph(PickleGraph&&) noexcept = default;
  PickleGraph& operator=(PickleGraph&&) noexcept = default;

  std::size_t Size() const { return nodes_.size(); }
  PickleKind Kind(PickleRef ref) const { return nodes_[ref].kind; }

  // Each needs a value of the fitting kind.
  bool AsBool(PickleRef ref) const { return nodes_[ref].payload != 0; }
  std::int64_t AsInteger(PickleRef ref) const {
    return static_cast<std::int64_t>(nodes_[ref].payload);
  }
  double AsFloat(PickleRef ref) const { return std::bit_cast<double>(nodes_[ref].payload); }
  std::string_view AsText(PickleRef ref) const;
  const PickleGlobal& AsGlobal(PickleRef ref) const { return globals_[nodes_[ref].payload]; }
  const PickleObject& AsObject(PickleRef ref) const { return objects_[nodes_[ref].payload]; }
  PickleRef PersistentId(PickleRef ref) const {
    return static_cast<PickleRef>(nodes_[ref].payload);
  }
  // Of tuples, lists and sets, and what was appended to an object.
  std::span<const PickleRef> Items(PickleRef ref) const;
  // Of dicts, and what was set by key on an object; in insertion order, repeated keys kept.
  std::span<const PicklePair> Pairs(PickleRef ref) const;

  bool IsText(PickleRef ref, std::string_view text) const {
    return Kind(ref) == PickleKind::kText && AsText(ref) == text;
  }
  // The integer, also from a bool's place in arithmetic; nullopt for anything else.
  std::optional<std::int64_t> IntegerOf(PickleRef ref) const {
    if (Kind(ref) != PickleKind::kInteger) return std::nullopt;
    return AsInteger(ref);
  }
  std::span<const PickleGlobal> Globals() const { return globals_; }

  // For the interpreter. kUnsupported beyond 2^32 - 1 values or bytes in one text.
  PickleRef None() const { return 0; }
  PickleRef Bool(bool value) const { return value ? 2 : 1; }
  PickleRef EmptyTuple() const { return 3; }
  Result<PickleRef> AddInteger(std::int64_t value);
  Result<PickleRef> AddFloat(double value);
  Result<PickleRef> AddText(PickleKind kind, std::string_view text);  // text, bytes, big integer
  Result<PickleRef> AddTuple(PickleKind kind, std::span<const PickleRef> items);
  Result<PickleRef> AddContainer(PickleKind kind);  // list, set, dict; empty
  Result<PickleRef> AddGlobal(PickleGlobal global);
  Result<PickleRef> AddObject(PickleObject object);
  Result<PickleRef> AddPersistent(PickleRef id);
  void Append(PickleRef container, std::span<const PickleRef> items);
  // `keys_and_values` alternate.
  void SetItems(PickleRef container, std::span<const PickleRef> keys_and_values);
  void SetState(PickleRef ref, PickleRef state) {
    PickleObject& object = objects_[nodes_[ref].payload];
    object.had_other_state |= object.state.has_value();
    object.state = state;
  }
  // Marks a container that was handed to a call whose result is read here. Returns whether it
  // already was.
  bool Freeze(PickleRef container) { return std::exchange(nodes_[container].is_frozen, true); }
  bool IsFrozen(PickleRef ref) const { return nodes_[ref].is_frozen; }
  // A copy that lives as long as the graph.
  std::string_view Keep(std::string_view text);

 private:
  struct Node {
    PickleKind kind;
    bool is_frozen = false;
    std::uint32_t extra = 0;  // length, or 1 + index into items_/pairs_ of what grows; 0: none
    std::uint64_t payload = 0;
  };

  Result<PickleRef> Add(Node node);

  std::vector<Node> nodes_;
  std::vector<PickleRef> tuple_items_;
  std::vector<std::vector<PickleRef>> items_;
  std::vector<std::vector<PicklePair>> pairs_;
  // An object may have both items and pairs: its `extra` is 1 + index here.
  struct Growth {
    std::vector<PickleRef> items;
    std::vector<PicklePair> pairs;
  };
  std::vector<Growth> object_growth_;
  std::vector<PickleGlobal> globals_;
  std::vector<PickleObject> objects_;
  std::deque<std::unique_ptr<char[]>> text_;
  std::size_t text_used_ = 0;
  std::size_t text_room_ = 0;
};

}  // namespace hallmark
