// Long because it is one machine: every opcode stands beside the stack, marks and memo it acts on.
#include "formats/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "formats/pickle_planted.h"
#include "formats/pickle_text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// PEP 307, 3154, 574; pickletools.py names them so.
// clang-format off
enum Opcode : std::uint8_t {
  kMark = '(', kStop = '.', kPop = '0', kPopMark = '1', kDup = '2', kProto = 0x80, kFrame = 0x95,
  kNone = 'N', kNewTrue = 0x88, kNewFalse = 0x89, kInt = 'I', kBinInt = 'J', kBinInt1 = 'K',
  kBinInt2 = 'M', kLong = 'L', kLong1 = 0x8a, kLong4 = 0x8b, kFloat = 'F', kBinFloat = 'G',
  kString = 'S', kBinString = 'T', kShortBinString = 'U', kUnicode = 'V', kBinUnicode = 'X',
  kShortBinUnicode = 0x8c, kBinUnicode8 = 0x8d, kBinBytes = 'B', kShortBinBytes = 'C',
  kBinBytes8 = 0x8e, kByteArray8 = 0x96, kNextBuffer = 0x97, kReadonlyBuffer = 0x98,
  kEmptyTuple = ')', kTuple = 't', kTuple1 = 0x85, kTuple2 = 0x86, kTuple3 = 0x87,
  kEmptyList = ']', kListOp = 'l', kAppend = 'a', kAppends = 'e', kEmptyDict = '}', kDictOp = 'd',
  kSetItem = 's', kSetItems = 'u', kEmptySet = 0x8f, kAddItems = 0x90, kFrozenSet = 0x91,
  kGet = 'g', kBinGet = 'h', kLongBinGet = 'j', kPut = 'p', kBinPut = 'q', kLongBinPut = 'r',
  kMemoize = 0x94, kGlobalOp = 'c', kStackGlobal = 0x93, kExt1 = 0x82, kExt2 = 0x83, kExt4 = 0x84,
  kReduce = 'R', kNewObj = 0x81, kNewObjEx = 0x92, kObj = 'o', kInst = 'i', kBuild = 'b',
  kPersId = 'P', kBinPersId = 'Q',
};
// clang-format on

constexpr std::uint64_t kMaxLine = std::uint64_t{1} << 30;
constexpr std::size_t kMaxNameBytes = 1000;  // of a module or a name
constexpr std::size_t kMaxFindings = 64;     // of each severity

std::string FullName(const PickleGlobal& global) {
  return EscapeForPeople(fmt::format("{}.{}", global.module, global.name));
}

// One stream's stack, marks and memo.
class Machine {
 public:
  Machine(ByteCursor& cursor, PickleReading& reading)
      : cursor_(cursor), reading_(reading), graph_(reading.graph) {}

  Result<void> Run() {
    while (true) {
      at_ = cursor_.Offset();
      const std::uint8_t opcode = HM_TRY(cursor_.U8());
      if (opcode == kStop) break;
      HM_TRY(Step(opcode));
      if (in_frame_) {
        if (cursor_.Offset() > frame_end_) {
          return cursor_.MalformedAt(at_, fmt::format("an opcode crosses the end of its frame at "
                                                      "{}",
                                                      frame_end_));
        }
        in_frame_ = cursor_.Offset() < frame_end_;
      }
    }
    if (in_frame_ && cursor_.Offset() != frame_end_) {
      return cursor_.MalformedAt(
          at_, fmt::format("the stream stops inside a frame that ends at {}", frame_end_));
    }
    if (stack_.size() != 1 || !marks_.empty()) {
      return cursor_.MalformedAt(
          at_, fmt::format("{} values and {} marks are on the stack where one value should be",
                           stack_.size(), marks_.size()));
    }
    reading_.root = stack_.back();
    return {};
  }

  // What only shows once the stream is over, or stopped early. Values may have been changed after
  // they were handed to a call, so the last state of everything counts.
  void Conclude() {
    const std::span<const PickleGlobal> globals = graph_.Globals();
    const bool any = std::any_of(globals.begin(), globals.end(), [](const PickleGlobal& global) {
      return global.kind == GlobalKind::kDangerous;
    });
    if (!any) return;
    for (const PickleRef ref : PlantedGlobals(graph_, replaced_states_)) {
      DangerOf("hands to a call, or plants in an object,", graph_.AsGlobal(ref),
               graph_.AsGlobal(ref).offset);
    }
    for (const PickleGlobal& global : globals) {
      if (global.kind != GlobalKind::kDangerous) continue;
      const std::string name = FullName(global);
      if (dangerous_names_.contains(name)) continue;
      if (makes_enum_members_ && name == "builtins.getattr") continue;
      Note(Severity::kWarning, "effectful-reference",
           fmt::format("names {}, which has effects when called; nothing here calls it", name),
           global.offset, name);
    }
    // Dangers before warnings, each in the order of the stream.
    std::stable_sort(reading_.findings.begin(), reading_.findings.end(),
                     [](const Finding& a, const Finding& b) {
                       if (a.severity != b.severity) return a.severity > b.severity;
                       return a.offset < b.offset;
                     });
  }

 private:
  Error Malformed(std::string message) const {
    return cursor_.MalformedAt(at_, std::move(message));
  }

  void Note(Severity severity, std::string code, std::string message, std::uint64_t offset,
            const std::string& key) {
    std::size_t& count = severity == Severity::kDanger ? dangers_ : warnings_;
    if (count >= kMaxFindings || !noted_.insert(code + key).second) return;
    ++count;
    reading_.findings.push_back(
        {severity, std::move(code), cursor_.Subject(), std::move(message), offset});
  }

  void Danger(std::string message, std::uint64_t offset, const std::string& key) {
    Note(Severity::kDanger, "pickle-call", std::move(message), offset, key);
  }

  void DangerOf(std::string_view does, const PickleGlobal& global, std::uint64_t offset) {
    std::string name = FullName(global);
    Danger(fmt::format("loading this elsewhere {} {}", does, name), offset, name);
    dangerous_names_.insert(std::move(name));
  }

  // --- the stack

  std::size_t Fence() const { return marks_.empty() ? 0 : marks_.back(); }

  Result<void> Need(std::size_t count) const {
    if (stack_.size() - Fence() < count) return Malformed("the stack holds too little here");
    return {};
  }
  Result<PickleRef> Pop() {
    HM_TRY(Need(1));
    const PickleRef top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Result<void> Push(Result<PickleRef> value) {
    if (!value) return At(std::move(value).error());
    stack_.push_back(*value);
    return {};
  }
  Error At(Error error) const {
    if (error.subject.empty()) error.subject = cursor_.Subject();
    if (!error.offset) error.offset = at_;
    return error;
  }
  // What stands above the last mark; the mark goes. The span is valid until the next push.
  Result<std::span<const PickleRef>> PopMark() {
    if (marks_.empty()) return Malformed("no mark on the stack");
    popped_.assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return std::span<const PickleRef>(popped_);
  }

  // --- the memo: dense from 0 as picklers write it, sparse for what they don't

  Result<void> Remember(std::uint64_t index) {
    HM_TRY(Need(1));
    if (index < memo_.size()) {
      memo_[index] = stack_.back();
    } else if (index == memo_.size()) {
      sparse_memo_.erase(index);
      memo_.push_back(stack_.back());
    } else {
      sparse_memo_[index] = stack_.back();
    }
    return {};
  }
  Result<void> Recall(std::uint64_t index) {
    if (index < memo_.size()) return Push(memo_[index]);
    const auto found = sparse_memo_.find(index);
    if (found == sparse_memo_.end()) {
      return Malformed(fmt::format("memo entry {} was never stored", index));
    }
    return Push(found->second);
  }
  Result<std::uint64_t> MemoIndex() {
    const auto parsed = ParsePickleInteger(HM_TRY(cursor_.TakeUntil('\n', 64)));
    if (!parsed || !parsed->value || *parsed->value < 0) return Malformed("no index of the memo");
    return static_cast<std::uint64_t>(*parsed->value);
  }

  // --- names and calls

  Result<PickleRef> Global(std::string_view module, std::string_view name) {
    if (module.size() > kMaxNameBytes || name.size() > kMaxNameBytes) {
      return Malformed(fmt::format("a name of {} bytes, limit {}",
                                   std::max(module.size(), name.size()), kMaxNameBytes));
    }
    const GlobalName mapped = MapPython2Name(module, name);
    const PickleGlobal global{mapped.module, mapped.name, at_,
                              ClassifyGlobal(mapped.module, mapped.name)};
    if (global.kind == GlobalKind::kUnknown) {
      Note(Severity::kWarning, "unknown-global",
           fmt::format("refers to {}, which is not known here; its values are not read",
                       FullName(global)),
           at_, FullName(global));
    }
    return graph_.AddGlobal(global);
  }

  Result<PickleRef> GlobalFromLines() {
    const auto line = [&]() -> Result<std::string_view> {
      const std::string_view text = HM_TRY(cursor_.TakeUntil('\n', 64 * 1024));
      if (!IsValidUtf8(text)) return Malformed("a name that is not UTF-8");
      return graph_.Keep(text);
    };
    const std::string_view module = HM_TRY(line());
    const std::string_view name = HM_TRY(line());
    return Global(module, name);
  }

  Result<void> StackGlobal() {
    HM_TRY(Need(2));
    const PickleRef name = HM_TRY(Pop());
    const PickleRef module = HM_TRY(Pop());
    for (const PickleRef part : {module, name}) {
      if (graph_.Kind(part) == PickleKind::kObject) {
        Danger("loading this elsewhere imports a name that is only computed then", at_, "");
        return Malformed("the name of a global is the result of a call");
      }
      if (graph_.Kind(part) != PickleKind::kText)
        return Malformed("the name of a global is no text");
    }
    return Push(Global(graph_.AsText(module), graph_.AsText(name)));
  }

  Result<void> Extension(std::uint64_t code) {
    if (code == 0 || code > 0x7fffffff) return Malformed("an extension code that cannot exist");
    // Only the process that loads the file knows what its registry says.
    return Push(graph_.AddGlobal(
        {"copyreg", graph_.Keep(fmt::format("extension_{}", code)), at_, GlobalKind::kDangerous}));
  }

  // getattr(type, "member") of an enumeration: IsEnumMember.
  bool MakesEnumMember(const PickleGlobal& callable, PickleRef arguments) const {
    if (callable.module != "builtins" || callable.name != "getattr") return false;
    if (graph_.Kind(arguments) != PickleKind::kTuple) return false;
    const std::span<const PickleRef> items = graph_.Items(arguments);
    if (items.size() != 2 || graph_.Kind(items[0]) != PickleKind::kGlobal ||
        graph_.Kind(items[1]) != PickleKind::kText) {
      return false;
    }
    const PickleGlobal& type = graph_.AsGlobal(items[0]);
    return IsEnumMember(type.module, type.name, graph_.AsText(items[1]));
  }

  // Records what calling `callable` means; a fault if Python could not call it.
  Result<void> NoteCall(PickleRef callable, PickleRef arguments) {
    // Legacy torch files name the classes of a pickled module as ("module", class, file, source).
    if (graph_.Kind(callable) == PickleKind::kPersistent) {
      const std::span<const PickleRef> id = graph_.Items(graph_.PersistentId(callable));
      if (id.size() >= 2 && graph_.IsText(id[0], "module") &&
          graph_.Kind(id[1]) == PickleKind::kGlobal) {
        callable = id[1];
      }
    }
    switch (graph_.Kind(callable)) {
      case PickleKind::kGlobal:
        if (graph_.AsGlobal(callable).kind != GlobalKind::kDangerous) return {};
        if (MakesEnumMember(graph_.AsGlobal(callable), arguments)) {
          makes_enum_members_ = true;
        } else {
          DangerOf("calls", graph_.AsGlobal(callable), at_);
        }
        return {};
      case PickleKind::kObject:
        Danger("loading this elsewhere calls what another call returned", at_, "");
        return {};
      default:
        return Malformed("a call of a value that is no function or class");
    }
  }

  // Python's callee sees its arguments as they are now, a reader of the graph as they are in the
  // end: for calls that are read here the two must be one.
  void FreezeArguments(PickleRef callable, PickleRef arguments) {
    if (graph_.Kind(callable) != PickleKind::kGlobal ||
        graph_.AsGlobal(callable).kind != GlobalKind::kAllowed) {
      return;
    }
    const auto can_change = [&](PickleRef ref) {
      const PickleKind kind = graph_.Kind(ref);
      return kind == PickleKind::kTuple || kind == PickleKind::kList || kind == PickleKind::kDict ||
             kind == PickleKind::kSet || kind == PickleKind::kObject;
    };
    // What is frozen already is so with all its parts, so every value is met once.
    std::vector<PickleRef> open = {arguments};
    while (!open.empty()) {
      const PickleRef ref = open.back();
      open.pop_back();
      if (!can_change(ref) || graph_.Freeze(ref)) continue;
      for (const PickleRef item : graph_.Items(ref)) open.push_back(item);
      for (const auto& [key, value] : graph_.Pairs(ref)) open.push_back(value);
    }
  }

  Result<void> Call(PickleRef callable, PickleRef arguments, std::optional<PickleRef> keywords,
                    bool is_bare = false) {
    HM_TRY(NoteCall(callable, arguments));
    const PickleKind kind = graph_.Kind(arguments);
    if (kind != PickleKind::kTuple && kind != PickleKind::kObject) {
      return Malformed("the arguments of a call are no tuple");
    }
    if (kind == PickleKind::kTuple) FreezeArguments(callable, arguments);
    return Push(graph_.AddObject({callable, arguments, keywords, std::nullopt, at_, is_bare}));
  }

  // OBJ and INST: a class and what follows the mark.
  Result<void> Instantiate(PickleRef callable, std::span<const PickleRef> arguments) {
    const Result<PickleRef> tuple = graph_.AddTuple(PickleKind::kTuple, arguments);
    if (!tuple) return At(tuple.error());
    return Call(callable, *tuple, std::nullopt);
  }

  // --- changing what is already there

  // Whether objects of this call take items as containers do. Rebuilt tensors do not: storing into
  // one writes memory.
  bool TakesItems(PickleRef object) const {
    const PickleRef callable = graph_.AsObject(object).callable;
    if (graph_.Kind(callable) != PickleKind::kGlobal) return true;
    const PickleGlobal& global = graph_.AsGlobal(callable);
    if (global.kind != GlobalKind::kAllowed) return true;
    return global.module == "collections" || global.module == "builtins" ||
           global.module == "copyreg" || global.module == "array";
  }

  Result<void> CheckTarget(PickleRef target, PickleKind container, std::string_view what) {
    const PickleKind kind = graph_.Kind(target);
    if (graph_.IsFrozen(target)) return Malformed("a container changes after a call has used it");
    if (kind == container) return {};
    if (kind == PickleKind::kGlobal) {
      DangerOf(what, graph_.AsGlobal(target), at_);
      return {};
    }
    if (kind == PickleKind::kObject && TakesItems(target)) return {};
    return Malformed("items are added to a value that takes none");
  }

  Result<void> AddItems(std::span<const PickleRef> items, PickleKind container) {
    HM_TRY(Need(1));
    const PickleRef target = stack_.back();
    HM_TRY(CheckTarget(target, container, "adds items to"));
    if (graph_.Kind(target) != PickleKind::kGlobal) graph_.Append(target, items);
    return {};
  }

  Result<void> SetItems(std::span<const PickleRef> keys_and_values) {
    if (keys_and_values.size() % 2 != 0) return Malformed("a key without a value");
    HM_TRY(Need(1));
    const PickleRef target = stack_.back();
    HM_TRY(CheckTarget(target, PickleKind::kDict, "sets items of"));
    if (graph_.Kind(target) != PickleKind::kGlobal) graph_.SetItems(target, keys_and_values);
    return {};
  }

  Result<void> Build() {
    HM_TRY(Need(2));
    const PickleRef state = HM_TRY(Pop());
    const PickleRef target = stack_.back();
    if (graph_.Kind(target) == PickleKind::kGlobal) {
      DangerOf("changes attributes of", graph_.AsGlobal(target), at_);
      return {};
    }
    if (graph_.Kind(target) != PickleKind::kObject) {
      return Malformed("a state is set on a value that has none");
    }
    if (graph_.IsFrozen(target)) return Malformed("an object changes after a call has used it");
    if (const auto before = graph_.AsObject(target).state) replaced_states_.push_back(*before);
    graph_.SetState(target, state);
    return {};
  }

  // --- literals

  Result<void> PushText(PickleKind kind, std::uint64_t size) {
    const std::string_view text = HM_TRY(cursor_.TakeText(size));
    if (kind == PickleKind::kText && !IsPickleUtf8(text))
      return Malformed("text that is not UTF-8");
    return Push(graph_.AddText(kind, text));
  }
  // Python 2's str: bytes, decoded by whoever loads it; kept as they are.
  Result<void> PushOldString(std::uint64_t size) {
    return Push(graph_.AddText(PickleKind::kText, HM_TRY(cursor_.TakeText(size))));
  }
  Result<std::uint64_t> SignedSize() {
    const std::uint32_t size = HM_TRY(cursor_.U32());
    if (size > 0x7fffffff) return Malformed("a negative length");
    return std::uint64_t{size};
  }
  Result<void> PushLong(std::uint64_t size) {
    const std::string_view bytes = HM_TRY(cursor_.TakeText(size));
    if (size <= 8) return Push(graph_.AddInteger(SmallTwosComplement(bytes)));
    return Push(graph_.AddText(PickleKind::kBigInteger, bytes));
  }
  Result<void> PushParsed(std::string_view text) {
    const auto parsed = ParsePickleInteger(text);
    if (!parsed) return Malformed("no integer here");
    if (parsed->value) return Push(graph_.AddInteger(*parsed->value));
    return Push(graph_.AddText(PickleKind::kBigInteger, parsed->wide));
  }
  Result<void> PushTuple(std::size_t count) {
    HM_TRY(Need(count));
    const Result<PickleRef> tuple =
        graph_.AddTuple(PickleKind::kTuple, std::span(stack_).last(count));
    if (!tuple) return At(tuple.error());
    stack_.resize(stack_.size() - count);
    stack_.push_back(*tuple);
    return {};
  }

  Result<void> Frame() {
    const std::uint64_t size = HM_TRY(cursor_.U64());
    if (in_frame_ && cursor_.Offset() < frame_end_) return Malformed("a frame inside a frame");
    if (in_frame_ && cursor_.Offset() > frame_end_) {
      return Malformed("an opcode crosses the end of its frame");
    }
    if (size > cursor_.Remaining()) {
      return Malformed(fmt::format("a frame of {} bytes, {} are left", size, cursor_.Remaining()));
    }
    frame_end_ = cursor_.Offset() + size;
    in_frame_ = true;
    return {};
  }

  Result<void> Step(std::uint8_t opcode) {
    switch (opcode) {
      case kProto: {
        const unsigned protocol = HM_TRY(cursor_.U8());
        if (protocol > 5) {
          return At(Error{Errc::kUnsupported, "", fmt::format("pickle protocol {}", protocol)});
        }
        reading_.protocol = std::max(reading_.protocol, protocol);
        return {};
      }
      case kFrame:
        return Frame();

      case kNone:
        return Push(graph_.None());
      case kNewTrue:
        return Push(graph_.Bool(true));
      case kNewFalse:
        return Push(graph_.Bool(false));
      case kBinInt1:
        return Push(graph_.AddInteger(HM_TRY(cursor_.U8())));
      case kBinInt2:
        return Push(graph_.AddInteger(HM_TRY(cursor_.U16())));
      case kBinInt:
        return Push(graph_.AddInteger(static_cast<std::int32_t>(HM_TRY(cursor_.U32()))));
      case kInt: {
        const std::string_view text = HM_TRY(cursor_.TakeUntil('\n', kMaxLine));
        if (text == "00" || text == "01") return Push(graph_.Bool(text == "01"));
        return PushParsed(text);
      }
      case kLong: {
        std::string_view text = HM_TRY(cursor_.TakeUntil('\n', kMaxLine));
        if (text.ends_with('L')) text.remove_suffix(1);
        return PushParsed(text);
      }
      case kLong1:
        return PushLong(HM_TRY(cursor_.U8()));
      case kLong4:
        return PushLong(HM_TRY(SignedSize()));
      case kFloat: {
        const auto value = ParsePickleFloat(HM_TRY(cursor_.TakeUntil('\n', kMaxLine)));
        if (!value) return Malformed("no number here");
        return Push(graph_.AddFloat(*value));
      }
      case kBinFloat:
        return Push(graph_.AddFloat(std::bit_cast<double>(HM_TRY(cursor_.Big<std::uint64_t>()))));

      case kString: {
        const auto text = ParsePickleString(HM_TRY(cursor_.TakeUntil('\n', kMaxLine)));
        if (!text) return Malformed("no quoted text here");
        return Push(graph_.AddText(PickleKind::kText, *text));
      }
      case kBinString:
        return PushOldString(HM_TRY(SignedSize()));
      case kShortBinString:
        return PushOldString(HM_TRY(cursor_.U8()));
      case kUnicode: {
        const auto text = ParseRawUnicode(HM_TRY(cursor_.TakeUntil('\n', kMaxLine)));
        if (!text) return Malformed("a broken escape in a text");
        return Push(graph_.AddText(PickleKind::kText, *text));
      }
      case kShortBinUnicode:
        return PushText(PickleKind::kText, HM_TRY(cursor_.U8()));
      case kBinUnicode:
        return PushText(PickleKind::kText, HM_TRY(cursor_.U32()));
      case kBinUnicode8:
        return PushText(PickleKind::kText, HM_TRY(cursor_.U64()));
      case kShortBinBytes:
        return PushText(PickleKind::kBytes, HM_TRY(cursor_.U8()));
      case kBinBytes:
        return PushText(PickleKind::kBytes, HM_TRY(cursor_.U32()));
      case kBinBytes8:
      case kByteArray8:
        return PushText(PickleKind::kBytes, HM_TRY(cursor_.U64()));
      case kNextBuffer:
      case kReadonlyBuffer:
        return Malformed("a buffer outside the stream is asked for");

      case kEmptyTuple:
        return Push(graph_.EmptyTuple());
      case kTuple1:
        return PushTuple(1);
      case kTuple2:
        return PushTuple(2);
      case kTuple3:
        return PushTuple(3);
      case kTuple:
        return Push(graph_.AddTuple(PickleKind::kTuple, HM_TRY(PopMark())));
      case kFrozenSet:
        return Push(graph_.AddTuple(PickleKind::kFrozenSet, HM_TRY(PopMark())));
      case kEmptyList:
        return Push(graph_.AddContainer(PickleKind::kList));
      case kEmptyDict:
        return Push(graph_.AddContainer(PickleKind::kDict));
      case kEmptySet:
        return Push(graph_.AddContainer(PickleKind::kSet));
      case kListOp: {
        const auto items = HM_TRY(PopMark());
        HM_TRY(Push(graph_.AddContainer(PickleKind::kList)));
        graph_.Append(stack_.back(), items);
        return {};
      }
      case kDictOp: {
        const auto items = HM_TRY(PopMark());
        HM_TRY(Push(graph_.AddContainer(PickleKind::kDict)));
        return SetItems(items);
      }
      case kAppend: {
        HM_TRY(Need(2));
        const PickleRef item = HM_TRY(Pop());
        return AddItems(std::span(&item, 1), PickleKind::kList);
      }
      case kAppends:
        return AddItems(HM_TRY(PopMark()), PickleKind::kList);
      case kAddItems:
        return AddItems(HM_TRY(PopMark()), PickleKind::kSet);
      case kSetItem: {
        HM_TRY(Need(3));
        const PickleRef value = HM_TRY(Pop());
        const PickleRef pair[] = {HM_TRY(Pop()), value};
        return SetItems(pair);
      }
      case kSetItems:
        return SetItems(HM_TRY(PopMark()));

      case kMark:
        marks_.push_back(stack_.size());
        return {};
      case kPop:
        if (!marks_.empty() && marks_.back() == stack_.size()) {
          marks_.pop_back();
          return {};
        }
        HM_TRY(Pop());
        return {};
      case kPopMark:
        HM_TRY(PopMark());
        return {};
      case kDup:
        HM_TRY(Need(1));
        return Push(stack_.back());

      case kPut:
        return Remember(HM_TRY(MemoIndex()));
      case kBinPut:
        return Remember(HM_TRY(cursor_.U8()));
      case kLongBinPut:
        return Remember(HM_TRY(cursor_.U32()));
      case kMemoize:
        return Remember(memo_.size() + sparse_memo_.size());
      case kGet:
        return Recall(HM_TRY(MemoIndex()));
      case kBinGet:
        return Recall(HM_TRY(cursor_.U8()));
      case kLongBinGet:
        return Recall(HM_TRY(cursor_.U32()));

      case kGlobalOp:
        return Push(GlobalFromLines());
      case kStackGlobal:
        return StackGlobal();
      case kExt1:
        return Extension(HM_TRY(cursor_.U8()));
      case kExt2:
        return Extension(HM_TRY(cursor_.U16()));
      case kExt4:
        return Extension(HM_TRY(cursor_.U32()));
      case kReduce:
      case kNewObj: {
        HM_TRY(Need(2));
        const PickleRef arguments = HM_TRY(Pop());
        return Call(HM_TRY(Pop()), arguments, std::nullopt, opcode == kNewObj);
      }
      case kNewObjEx: {
        HM_TRY(Need(3));
        const PickleRef keywords = HM_TRY(Pop());
        const PickleRef arguments = HM_TRY(Pop());
        return Call(HM_TRY(Pop()), arguments, keywords, true);
      }
      case kObj: {
        const auto items = HM_TRY(PopMark());
        if (items.empty()) return Malformed("an object without a class");
        return Instantiate(items.front(), items.subspan(1));
      }
      case kInst: {
        const Result<PickleRef> callable = GlobalFromLines();
        if (!callable) return At(callable.error());
        return Instantiate(*callable, HM_TRY(PopMark()));
      }
      case kBuild:
        return Build();

      case kPersId: {
        const std::string_view text = HM_TRY(cursor_.TakeUntil('\n', kMaxLine));
        const Result<PickleRef> id = graph_.AddText(PickleKind::kText, text);
        if (!id) return At(id.error());
        return Push(graph_.AddPersistent(*id));
      }
      case kBinPersId:
        return Push(graph_.AddPersistent(HM_TRY(Pop())));
      default:
        return Malformed(fmt::format("{:#04x} is no opcode", opcode));
    }
  }

  ByteCursor& cursor_;
  PickleReading& reading_;
  PickleGraph& graph_;
  std::uint64_t at_ = 0;  // of the opcode at hand
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack when they were set
  std::vector<PickleRef> popped_;
  std::vector<PickleRef> memo_;
  std::map<std::uint64_t, PickleRef> sparse_memo_;  // not hashed: the file chooses the indexes
  bool in_frame_ = false;
  std::uint64_t frame_end_ = 0;
  std::vector<PickleRef> replaced_states_;
  std::unordered_set<std::string> noted_;
  std::unordered_set<std::string> dangerous_names_;
  bool makes_enum_members_ = false;  // by getattr
  std::size_t dangers_ = 0;
  std::size_t warnings_ = 0;
};

}  // namespace

PickleReading InterpretPickle(ByteCursor& cursor) {
  PickleReading reading;
  Machine machine(cursor, reading);
  if (Result<void> run = machine.Run(); !run) reading.fault = std::move(run).error();
  machine.Conclude();
  return reading;
}

Result<PickleReading> ReadPickle(ByteCursor& cursor) {
  PickleReading reading = InterpretPickle(cursor);
  for (const Finding& finding : reading.findings) {
    if (finding.severity != Severity::kDanger) continue;
    return Error{Errc::kDangerous, finding.subject, finding.message, finding.offset,
                 "do not load this file with a program that unpickles it"};
  }
  if (reading.fault) return *std::move(reading.fault);
  return reading;
}

}  // namespace hallmark
