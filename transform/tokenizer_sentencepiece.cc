#include "transform/tokenizer_sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "formats/protobuf.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// Numbers of fields in sentencepiece_model.proto.
enum ModelField : std::uint32_t { kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3 };
enum PieceField : std::uint32_t { kPieceText = 1, kPieceScore = 2, kPieceType = 3 };
enum TrainerField : std::uint32_t {
  kModelType = 3,
  kVocabSize = 4,
  kByteFallback = 35,
  kUnkId = 40,
  kBosId = 41,
  kEosId = 42,
  kPadId = 43,
  kUnkPiece = 45,
  kBosPiece = 46,
  kEosPiece = 47,
  kPadPiece = 48,
};
enum NormalizerField : std::uint32_t {
  kName = 1,
  kCharacterMap = 2,
  kAddDummyPrefix = 3,
  kRemoveExtraWhitespaces = 4,
  kEscapeWhitespaces = 5,
};

constexpr std::uint64_t kBpe = 2;  // TrainerSpec.ModelType
constexpr std::uint64_t kMaxPieceBytes = 1 << 16;

Result<Token> ReadPiece(ByteCursor& cursor, const ProtobufField& whole) {
  Token token;
  ProtobufMessage message(cursor, whole.content.offset + whole.content.size);
  while (!message.AtEnd()) {
    const ProtobufField field = HM_TRY(message.Next());
    switch (field.number) {
      case kPieceText:
        HM_TRY(message.Once(field, WireType::kBytes, "piece"));
        token.text = HM_TRY(message.Text(field, kMaxPieceBytes, "piece"));
        break;
      case kPieceScore:
        HM_TRY(message.Once(field, WireType::kFixed32, "score"));
        token.score = std::bit_cast<float>(HM_TRY(cursor.U32()));
        break;
      case kPieceType:
        HM_TRY(message.Once(field, WireType::kVarint, "type"));
        if (field.value < 1 || field.value > 6) {
          return message.Malformed(field, fmt::format("{} is no type of a piece", field.value));
        }
        token.type = static_cast<TokenType>(field.value);
        break;
      default:
        break;
    }
  }
  if (token.text.empty()) return cursor.MalformedAt(whole.offset, "a piece without text");
  if (!IsValidUtf8(token.text))
    return cursor.MalformedAt(whole.offset, "a piece that is not UTF-8");
  if (!std::isfinite(token.score)) {
    return cursor.MalformedAt(whole.offset, "a piece whose score is no number");
  }
  return token;
}

Result<void> ReadTrainerSpec(ByteCursor& cursor, const ProtobufField& whole,
                             SentencePieceModel& model) {
  ProtobufMessage message(cursor, whole.content.offset + whole.content.size);
  std::uint64_t algorithm = 1;  // Unigram, the default
  while (!message.AtEnd()) {
    const ProtobufField field = HM_TRY(message.Next());
    std::int32_t* id = nullptr;
    switch (field.number) {
      case kModelType:
        HM_TRY(message.Once(field, WireType::kVarint, "model_type"));
        algorithm = field.value;
        break;
      case kUnkId:
        id = &model.unk_id;
        break;
      case kBosId:
        id = &model.bos_id;
        break;
      case kEosId:
        id = &model.eos_id;
        break;
      case kPadId:
        id = &model.pad_id;
        break;
      default:
        break;
    }
    if (id == nullptr) continue;
    HM_TRY(message.Once(field, WireType::kVarint, "an id"));
    *id = static_cast<std::int32_t>(field.value);  // int32: negative ones have their bits extended
  }
  if (algorithm != kBpe) {
    return Error{
        Errc::kUnsupported, cursor.Subject(),
        fmt::format("a sentencepiece model of type {}; only BPE ({}) is read", algorithm, kBpe),
        whole.offset};
  }
  return {};
}

Result<void> ReadNormalizerSpec(ByteCursor& cursor, const ProtobufField& whole,
                                SentencePieceModel& model) {
  ProtobufMessage message(cursor, whole.content.offset + whole.content.size);
  while (!message.AtEnd()) {
    const ProtobufField field = HM_TRY(message.Next());
    switch (field.number) {
      case kName:
        HM_TRY(message.Once(field, WireType::kBytes, "name"));
        model.normaliser = HM_TRY(message.Text(field, kMaxPieceBytes, "name"));
        break;
      case kCharacterMap:
        HM_TRY(message.Once(field, WireType::kBytes, "precompiled_charsmap"));
        model.has_character_map = field.content.size > 0;
        break;
      case kAddDummyPrefix:
        HM_TRY(message.Once(field, WireType::kVarint, "add_dummy_prefix"));
        model.add_dummy_prefix = field.value != 0;
        break;
      default:
        break;
    }
  }
  return {};
}

// What a protocol buffer is made of, to be written.
class Message {
 public:
  Message& Varint(std::uint32_t field, std::uint64_t value) {
    Number(std::uint64_t{field} << 3);
    Number(value);
    return *this;
  }
  Message& Int32(std::uint32_t field, std::int64_t value) {
    return Varint(field, static_cast<std::uint64_t>(value));
  }
  Message& Float(std::uint32_t field, float value) {
    Number(std::uint64_t{field} << 3 | static_cast<unsigned>(WireType::kFixed32));
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift);
    return *this;
  }
  Message& Bytes(std::uint32_t field, std::string_view value) {
    Number(std::uint64_t{field} << 3 | static_cast<unsigned>(WireType::kBytes));
    Number(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& Text() const { return bytes_; }

 private:
  void Number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// Text of a token as a piece of it: a space is U+2581 there.
std::string PieceText(const Token& token) {
  std::string text;
  for (const char c : token.text) {
    if (c == ' ') {
      text += "\u2581";
    } else {
      text += c;
    }
  }
  return text;
}

Error CannotHold(std::string message) {
  return Error{Errc::kUnsupported, "tokenizer.model", std::move(message)};
}

// What sentencepiece refuses to load.
Result<void> CheckPieces(const std::vector<Token>& pieces) {
  std::size_t bytes = 0;
  std::vector<std::string_view> texts;
  texts.reserve(pieces.size());
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const std::string& text = pieces[id].text;
    if (text.empty() || !IsValidUtf8(text)) {
      return CannotHold(fmt::format("token {} is {}", id, text.empty() ? "empty" : "not UTF-8"));
    }
    bytes += pieces[id].type == TokenType::kByte;
    texts.push_back(text);
  }
  if (bytes != 0 && bytes != 256) {
    return CannotHold(
        fmt::format("{} tokens for single bytes, sentencepiece has 256 or none", bytes));
  }
  if (const auto repeated = FindRepeated(texts)) {
    return CannotHold(fmt::format("two tokens are {}", EscapeForPeople(*repeated)));
  }
  return {};
}

// The tokens as pieces, of which one is the unknown one.
Result<std::vector<Token>> MakePieces(const Tokenizer& tokenizer, std::uint32_t unknown) {
  std::vector<Token> pieces(tokenizer.CountWithoutPadding());
  if (unknown >= pieces.size()) return CannotHold("the unknown token is padding");
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const Token& token = tokenizer.tokens[id];
    if (!IsAddedType(token.type) && token.text.find(' ') != std::string::npos) {
      return CannotHold(fmt::format("token {} has a space, which no piece has", id));
    }
    pieces[id] = {PieceText(token), token.score, token.type};
    if (token.type == TokenType::kUnknown) pieces[id].type = TokenType::kUnused;
  }
  pieces[unknown].type = TokenType::kUnknown;
  HM_TRY(CheckPieces(pieces));
  return pieces;
}

}  // namespace

bool LooksLikeSentencePiece(ByteSpan bytes) {
  return !bytes.empty() && bytes[0] == std::byte{kPieces << 3 | 2};
}

Result<SentencePieceModel> ReadSentencePiece(ByteSpan bytes, std::string subject) {
  ByteCursor cursor(bytes, std::move(subject));
  SentencePieceModel model;
  ProtobufMessage message(cursor, bytes.size());
  while (!message.AtEnd()) {
    const ProtobufField field = HM_TRY(message.Next());
    switch (field.number) {
      case kPieces:
        if (field.type != WireType::kBytes) {
          return message.Malformed(field, "a piece is of another wire type");
        }
        if (model.pieces.size() == kMaxTokens) {
          return Error{Errc::kUnsupported, cursor.Subject(),
                       fmt::format("more than {} pieces", kMaxTokens), field.offset};
        }
        model.pieces.push_back(HM_TRY(ReadPiece(cursor, field)));
        break;
      case kTrainerSpec:
        HM_TRY(message.Once(field, WireType::kBytes, "trainer_spec"));
        HM_TRY(ReadTrainerSpec(cursor, field, model));
        break;
      case kNormalizerSpec:
        HM_TRY(message.Once(field, WireType::kBytes, "normalizer_spec"));
        HM_TRY(ReadNormalizerSpec(cursor, field, model));
        break;
      default:
        break;
    }
  }
  if (model.pieces.empty() || !message.Saw(kTrainerSpec)) {
    return cursor.Malformed("no sentencepiece model: it has no pieces or no trainer_spec");
  }
  std::vector<std::string_view> texts;
  texts.reserve(model.pieces.size());
  for (const Token& piece : model.pieces) texts.push_back(piece.text);
  if (const auto repeated = FindRepeated(texts)) {
    return cursor.MalformedAt(0, fmt::format("two pieces are {}", EscapeForPeople(*repeated)));
  }
  return model;
}

Result<std::vector<std::byte>> WriteSentencePiece(const Tokenizer& tokenizer) {
  if (tokenizer.kind != TokenizerKind::kSentencePiece) {
    return CannotHold("a tokenizer of byte pairs is no sentencepiece model");
  }
  const auto unknown = tokenizer.UnknownId();
  if (!unknown) return CannotHold("no unknown token, sentencepiece needs one");
  const std::vector<Token> pieces = HM_TRY(MakePieces(tokenizer, *unknown));

  Message model;
  for (const Token& token : pieces) {
    Message piece;
    piece.Bytes(kPieceText, token.text).Float(kPieceScore, token.score);
    if (token.type != TokenType::kNormal) {
      piece.Varint(kPieceType, static_cast<std::uint64_t>(token.type));
    }
    model.Bytes(kPieces, piece.Text());
  }

  const bool has_bytes = std::ranges::find(pieces, TokenType::kByte, &Token::type) != pieces.end();
  Message trainer;
  trainer.Varint(kModelType, kBpe).Varint(kVocabSize, pieces.size());
  trainer.Varint(kByteFallback, has_bytes ? 1 : 0);
  trainer.Varint(kUnkId, *unknown).Bytes(kUnkPiece, pieces[*unknown].text);
  struct Place {
    SpecialRole role;
    std::uint32_t id_field, piece_field;
  };
  for (const Place place :
       {Place{SpecialRole::kBos, kBosId, kBosPiece}, Place{SpecialRole::kEos, kEosId, kEosPiece},
        Place{SpecialRole::kPadding, kPadId, kPadPiece}}) {
    // sentencepiece wants each role to be a control piece of its own, or says there is none.
    const auto id = tokenizer.IdOf(place.role);
    if (id && *id < pieces.size() && pieces[*id].type == TokenType::kControl) {
      trainer.Varint(place.id_field, *id).Bytes(place.piece_field, pieces[*id].text);
    } else {
      trainer.Int32(place.id_field, -1);
    }
  }
  Message normaliser;
  normaliser.Bytes(kName, "identity").Bytes(kCharacterMap, "");
  normaliser.Varint(kAddDummyPrefix, tokenizer.AddsSpacePrefix() ? 1 : 0);
  normaliser.Varint(kRemoveExtraWhitespaces, 0).Varint(kEscapeWhitespaces, 1);
  model.Bytes(kTrainerSpec, trainer.Text()).Bytes(kNormalizerSpec, normaliser.Text());

  const auto* first = reinterpret_cast<const std::byte*>(model.Text().data());
  return std::vector<std::byte>(first, first + model.Text().size());
}

}  // namespace hallmark
