#include "formats/pickle.h"

#include "formats/pickle_text.h"
#include "tests/formats/pickle_bytes.h"

namespace hallmark {
namespace {

using namespace pickled;               // NOLINT: the whole file is written in them
using namespace std::string_literals;  // NOLINT: NULs inside streams
using testing::HasSubstr;

PickleReading Interpret(std::string_view stream) {
  ByteCursor cursor(AsBytes(stream), "p");
  return InterpretPickle(cursor);
}

Result<PickleReading> Read(std::string_view stream) {
  ByteCursor cursor(AsBytes(stream), "p");
  return ReadPickle(cursor);
}

Errc CodeOf(std::string_view stream) {
  const auto result = Read(stream);
  EXPECT_FALSE(result) << "was accepted";
  return result ? Errc::kUsage : result.error().code;
}

// --- values of every protocol, against what Python's pickletools documents of each opcode

TEST(Pickle, ReadsIntegersOfEveryOpcode) {
  const struct {
    std::string stream;
    std::int64_t value;
  } kCases[] = {
      {"I42\n.", 42},
      {"I-7\n.", -7},
      {"I0x1F\n.", 31},
      {"I1_000\n.", 1000},
      {"L-5L\n.", -5},
      {"L9223372036854775807L\n.", INT64_MAX},
      {"K\xff.", 255},
      {"M\x01\x02.", 513},
      {"J\xff\xff\xff\xff.", -1},
      {"\x8a\x00."s, 0},
      {"\x8a\x01\xff.", -1},
      {"\x8a\x02\xff\x00."s, 255},
      {"\x8b" + Le32(2) + "\x00\x80."s, -32768},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(testing::PrintToString(c.stream));
    const auto reading = Read(c.stream);
    ASSERT_TRUE(Ok(reading));
    EXPECT_EQ(reading->graph.IntegerOf(reading->root), c.value);
  }
}

TEST(Pickle, ReadsTextOfEveryOpcode) {
  const std::string eight = "\x8d\x02\0\0\0\0\0\0\0ab."s;
  for (const std::string& stream :
       {std::string("S'ab'\n."), std::string("S\"a\\x62\"\n."), std::string("Va\\u0062\n."),
        "T" + Le32(2) + "ab.", std::string("U\x02") + "ab.", Text("ab") + ".",
        ShortText("ab") + ".", eight}) {
    SCOPED_TRACE(testing::PrintToString(stream));
    const auto reading = Read(stream);
    ASSERT_TRUE(Ok(reading));
    EXPECT_TRUE(reading->graph.IsText(reading->root, "ab"));
  }
}

TEST(Pickle, ReadsFloats) {
  for (const std::string& stream : {std::string("F1.5\n."), "G\x3f\xf8\0\0\0\0\0\0."s}) {
    const auto reading = Read(stream);
    ASSERT_TRUE(Ok(reading));
    EXPECT_EQ(reading->graph.AsFloat(reading->root), 1.5);
  }
}

TEST(Pickle, BuildsContainers) {
  // [1, (2, 3), {4: 5}] in protocol 0 and in protocol 4.
  for (const std::string& stream :
       {std::string("(lp0\nI1\na(I2\nI3\ntp1\na(dp2\nI4\nI5\nsa."),
        std::string("\x80\x04]\x94(K\x01K\x02K\x03\x86\x94}\x94K\x04K\x05se.")}) {
    SCOPED_TRACE(testing::PrintToString(stream));
    const auto reading = Read(stream);
    ASSERT_TRUE(Ok(reading));
    const PickleGraph& graph = reading->graph;
    const auto items = graph.Items(reading->root);
    ASSERT_EQ(items.size(), 3u);
    EXPECT_EQ(graph.IntegerOf(items[0]), 1);
    EXPECT_EQ(graph.IntegerOf(graph.Items(items[1])[1]), 3);
    ASSERT_EQ(graph.Pairs(items[2]).size(), 1u);
    EXPECT_EQ(graph.IntegerOf(graph.Pairs(items[2])[0].second), 5);
  }
}

TEST(Pickle, SharesWhatTheMemoShares) {
  const auto reading = Read(
      "]q\x07(h\x07h\x07"
      "e.");  // l = [l, l]
  ASSERT_TRUE(Ok(reading));
  EXPECT_EQ(reading->graph.Items(reading->root)[0], reading->root);
  EXPECT_EQ(reading->graph.Items(reading->root)[1], reading->root);
}

// --- structure that must not hold

TEST(Pickle, RefusesBrokenStacksMarksAndMemos) {
  const std::string cases[] = {
      ".",         // nothing on the stack
      "NN.",       // too much
      "(N.",       // a mark left
      "0.",        // POP of nothing
      "t.",        // no mark
      "2.",        // DUP of nothing
      "N\x86.",    // TUPLE2 of one
      "N(\x85t.",  // TUPLE1 may not reach below the mark
      "h\x01.",    // memo never stored
      "g5\n.",
      "g-1\n.",
      "q\x01N.",  // memo of nothing
      "\x94N.",
      "}N(u.",          // SETITEMS on None
      "](NNu.",         // SETITEMS on a list
      "}(Nu.",          // odd
      "}Na.",           // APPEND to a dict
      "]N\x8f(N\x90.",  // left over
      "NNb.",           // BUILD on None
      "(o.",            // OBJ without class
      "N)R.",           // call of None
      "\x97.",          // a buffer that is not there
      "\x80\x06N.",     // a protocol to come
      "\xff.",
      "X\xff\xff\xff\xffN.",
      "X\x01" + std::string(3, '\0') + "\xff.",  // not UTF-8
      "Ix\n.",
      "S'a\n.",
      "c\xff\nx\n.",
      "\x82" + std::string(1, '\0') + ".",  // extension 0
  };
  for (const std::string& stream : cases) {
    SCOPED_TRACE(testing::PrintToString(stream));
    const auto result = Read(stream);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().code, Errc::kDangerous);
    EXPECT_TRUE(result.error().offset);
  }
}

TEST(Pickle, PopTakesMarksAsPythonDoes) {
  // MARK, POP removes the mark; then None is the value.
  EXPECT_TRUE(Ok(Read("(0N.")));
  EXPECT_TRUE(Ok(Read("N(NN1.")));
}

TEST(Pickle, RefusesEveryTruncation) {
  const std::string whole = Stream(
      Dict({Text("a"), Tensor(Storage("FloatStorage", "0", 6), 0, Sizes({2, 3}), Sizes({3, 1})),
            Text("b"), "F1.5\n", Text("c"), "\x8a\x02\xff\x7f"s}),
      4);
  ASSERT_TRUE(Ok(Read(whole)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Read(std::string_view(whole).substr(0, size))) << size;
  }
}

// A file and a memory buffer must show the same stream: no opcode may cross its frame.
TEST(Pickle, RefusesFramesThatLie) {
  const auto frame = [](std::uint64_t size) { return "\x95" + Le64(size); };
  EXPECT_TRUE(Ok(Read("\x80\x04" + frame(2) + "N.")));
  EXPECT_TRUE(Ok(Read("\x80\x04" + frame(1) + "N" + frame(1) + ".")));
  const std::string text = Text("abcdef");
  EXPECT_EQ(CodeOf("\x80\x04" + frame(3) + text + "."), Errc::kMalformed);  // too short
  EXPECT_EQ(CodeOf("\x80\x04" + frame(99) + "N."), Errc::kMalformed);       // too long
  EXPECT_EQ(CodeOf("\x80\x04" + frame(~std::uint64_t{0}) + "N."), Errc::kMalformed);
  EXPECT_EQ(CodeOf("\x80\x04" + frame(12) + frame(2) + "NN." + "x"), Errc::kMalformed);  // nested
  EXPECT_EQ(CodeOf("\x80\x04" + frame(3) + "N.N"), Errc::kMalformed);  // STOP inside
}

// --- what loading would run

TEST(Pickle, NamesTheCallAndItsPlace) {
  const std::string stream = "\x80\x02" + Global("os", "system") + Tuple({Text("id")}) + "R.";
  const auto result = Read(stream);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kDangerous);
  EXPECT_THAT(result.error().message, HasSubstr("os.system"));
  EXPECT_EQ(result.error().offset, stream.size() - 2);
}

class DangerousPickle : public testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(DangerousPickle, IsDangerous) { EXPECT_EQ(CodeOf(GetParam().second), Errc::kDangerous); }

std::string OsSystem() { return Global("os", "system"); }

INSTANTIATE_TEST_SUITE_P(
    Calls, DangerousPickle,
    testing::Values(
        std::pair("reduce", Stream(Call("posix", "system", {Text("id")}))),
        std::pair("stack_global", Stream(StackGlobal("os", "system") + ")R", 4)),
        std::pair("inst", "(S'id'\nios\nsystem\n."),
        std::pair("obj", "(" + OsSystem() + "S'id'\no."),
        std::pair("obj_then_pop", "(" + OsSystem() + "S'id'\no0N."),
        std::pair("newobj", Stream(Global("subprocess", "Popen") + ")\x81")),
        std::pair("newobj_ex", Stream(Global("subprocess", "Popen") + ")}\x92", 4)),
        std::pair("result_thrown_away", Stream(OsSystem() + ")R0N")),
        // A fault later does not excuse what came before it.
        std::pair("before_a_fault", Stream(OsSystem() + ")R\xff")),
        std::pair("before_the_end_is_cut", "\x80\x02" + OsSystem() + ")R"),
        // The memo, not the neighbouring opcode, says what is called.
        std::pair("memo", Stream(OsSystem() + "q\x01"
                                              "0Nq\x02"
                                              "0h\x01)R")),
        std::pair("memo_overwritten", Stream(Global("collections", "OrderedDict") +
                                             "q\x01"
                                             "0" +
                                             OsSystem() +
                                             "q\x01"
                                             "0h\x01)R")),
        std::pair("dup_and_pop", Stream(OsSystem() + "20)R")),
        std::pair("memo_of_names", Stream(ShortText("os") + "\x94" + "0" + ShortText("system") +
                                              "\x94"
                                              "0h\x00h\x01\x93)R"s,
                                          4)),
        std::pair("unicode_escape", std::string("\x80\x04V\\u006fs\nVsystem\n\x93)R.")),
        std::pair("old_string_names", std::string("\x80\x04U\x02osU\x06system\x93)R.")),
        // Names only known while it runs.
        std::pair("computed_name",
                  Stream(Call("builtins", "str", {Text("os")}) + ShortText("system") + "\x93)R",
                         4)),
        std::pair("computed_callable",
                  Stream(Call("some.package", "factory", {}) + Tuple({Text("id")}) + "R")),
        std::pair("getattr",
                  Stream(Call("builtins", "getattr", {Global("os", "path"), Text("x")}))),
        std::pair("getattr_of_an_enumeration",
                  Stream(Call("builtins", "getattr",
                              {Global("torch.distributed.checkpoint.metadata",
                                      "_MEM_FORMAT_ENCODING"),
                               Text("__class__")}))),
        std::pair("getattr_handed_on",
                  Stream(Call("builtins", "getattr",
                              {Global("torch.distributed.checkpoint.metadata",
                                      "_MEM_FORMAT_ENCODING"),
                               Text("TORCH_CHANNELS_LAST")}) +
                         "0" + Call("some.package", "apply", {Global("builtins", "getattr")}))),
        // Python 2's names, mapped when they are loaded.
        std::pair("py2_builtin", Stream(Call("__builtin__", "eval", {Text("1")}))),
        std::pair("py2_commands", Stream(Call("commands", "getoutput", {Text("id")}))),
        std::pair("py2_cpickle", Stream(Call("cPickle", "loads", {Text("x")}))),
        std::pair("py2_reduce", Stream(Call("__builtin__", "reduce", {}))),
        std::pair("py2_in_protocol_4", Stream(StackGlobal("__builtin__", "eval") + ")R", 4)),
        // Attribute paths and modules under other names.
        std::pair("dotted", Stream(StackGlobal("torch", "serialization.os.system") + ")R", 4)),
        std::pair("dotted_third_party", Stream(StackGlobal("some", "os.system") + ")R", 4)),
        std::pair("alias", Stream(Call("six.moves.builtins", "map", {}))),
        std::pair("alias_inside", Stream(Call("some.vendored.subprocess", "run", {}))),
        std::pair("imported_name", Stream(Call("some.package", "check_output", {})))));

INSTANTIATE_TEST_SUITE_P(
    Gadgets, DangerousPickle,
    testing::Values(
        std::pair("extension_code", Stream("\x82\xf0)R")),
        std::pair("extension_code_4", Stream("\x84" + Le32(77) + ")R")),
        std::pair("extension_registry",
                  Stream(Call("copyreg", "add_extension", {Text("os"), Text("system"), "K\xf0"}) +
                         "0\x82\xf0)R")),
        std::pair("nested_stream", Stream(Call("torch.storage", "_load_from_bytes", {"C\x01x"}))),
        std::pair("nested_pickle", Stream(Call("_pickle", "loads", {"C\x01x"}))),
        std::pair("torch_load", Stream(Call("torch", "load", {Text("x")}))),
        std::pair("torch_hub", Stream(Call("torch.hub", "load", {Text("x")}))),
        std::pair("exec_wrapper",
                  Stream(Call("torch.jit.unsupported_tensor_ops", "execWrapper", {}))),
        std::pair("numpy_runstring", Stream(Call("numpy.testing._private.utils", "runstring", {}))),
        std::pair("numpy_f2py", Stream(Call("numpy.f2py.crackfortran", "getlincoef", {}))),
        std::pair("pip", Stream(Call("pip", "main", {}))),
        std::pair("locate", Stream(Call("pydoc", "locate", {}))),
        std::pair("code_type", Stream(Call("types", "CodeType", {}))),
        std::pair("file_handler", Stream(Call("logging", "FileHandler", {Text("/tmp/x")}))),
        std::pair("ctypes", Stream(Call("ctypes", "CDLL", {Text("libc.so.6")}))),
        std::pair("timeit", Stream(Call("timeit", "timeit", {Text("x")}))),
        std::pair("spawnv", Stream(Call("multiprocessing.util", "spawnv_passfds", {}))),
        // Left where something will call it.
        std::pair("planted_in_state", Stream(Call("collections", "OrderedDict", {}) +
                                             Dict({Text("get"), OsSystem()}) + "b")),
        std::pair("planted_in_a_state_replaced_later",
                  Stream(Call("collections", "OrderedDict", {}) + Dict({Text("get"), OsSystem()}) +
                         "b}b")),
        std::pair("planted_after_the_call",
                  Stream("]q\x01"
                         "0" +
                         Call("some.package", "later", {"h\x01"}) + "0h\x01" + OsSystem() + "a")),
        std::pair("default_factory", Stream(Call("collections", "defaultdict", {OsSystem()}))),
        std::pair("handed_over", Stream(Call("toolz.functoolz", "Compose", {OsSystem()}))),
        std::pair("class_patched",
                  Stream(Global("collections", "OrderedDict") + Dict({Text("a"), "N"}) + "b")),
        std::pair("environment_set",
                  Stream(Global("os", "environ") + Text("LD_PRELOAD") + Text("x") + "s")),
        std::pair("append_to_path", Stream(Global("sys", "path") + Text("/tmp") + "a"))));

std::string HarmlessNewObject() {
  return Global("transformers.training_args", "TrainingArguments") + ")\x81" +
         Dict({Text("lr"), "F0.1\n"}) + "b";
}

TEST(Pickle, DoesNotCryWolf) {
  const std::string cases[] = {
      // Scary words that are only data.
      Stream(Dict({Text("os"), Text("system"), Text("eval"), Text("cos\nsystem\n(S'id'\ntR.")})),
      Stream(Tensor(Storage("FloatStorage", "0", 1), 0, Sizes({1}), Sizes({1}))),
      Stream(HarmlessNewObject()),
      Stream(Call("argparse", "Namespace", {}) + Dict({Text("a"), "N"}) + "b"),
      Stream(Call("_codecs", "encode", {Text("\xc3\xbf"), Text("latin1")})),
      Stream(Call("__builtin__", "set",
                  {"](K\x01"
                   "e"})),
      Stream(Call("copy_reg", "_reconstructor",
                  {Global("some.config", "Config"), Global("__builtin__", "object"), "N"})),
      Stream(Call("numpy.core.multiarray", "scalar",
                  {Call("numpy", "dtype", {Text("f8")}),
                   "C\x08"
                   "12345678"})),
      Stream(Call("torch.nn.modules.linear", "Linear", {})),
      Stream(Call("datetime", "datetime", {"C\x01x"})),
      Stream(Call("collections", "defaultdict", {Global("builtins", "list")})),
  };
  for (const std::string& stream : cases) {
    SCOPED_TRACE(testing::PrintToString(stream));
    EXPECT_TRUE(Ok(Read(stream)));
  }
}

TEST(Pickle, WarnsOfWhatItCannotJudge) {
  const auto unknown = Read(Stream(HarmlessNewObject()));
  ASSERT_TRUE(Ok(unknown));
  ASSERT_EQ(unknown->findings.size(), 1u);
  EXPECT_EQ(unknown->findings[0].code, "unknown-global");
  EXPECT_EQ(unknown->findings[0].severity, Severity::kWarning);
  EXPECT_THAT(unknown->findings[0].message, HasSubstr("transformers.training_args"));

  // Named and never called.
  const auto named = Read(Stream(Dict({Text("f"), Global("os.path", "join")})));
  ASSERT_TRUE(Ok(named));
  ASSERT_EQ(named->findings.size(), 1u);
  EXPECT_EQ(named->findings[0].code, "effectful-reference");
}

TEST(Pickle, ListsEveryDangerOnceAndGoesOn) {
  const PickleReading reading =
      Interpret(Stream(Tuple({Call("os", "system", {}), Call("os", "system", {}),
                              Call("builtins", "exec", {}), Call("some.lib", "f", {})})));
  EXPECT_FALSE(reading.fault);
  ASSERT_EQ(reading.findings.size(), 3u);
  EXPECT_THAT(reading.findings[0].message, HasSubstr("os.system"));
  EXPECT_THAT(reading.findings[1].message, HasSubstr("builtins.exec"));
  EXPECT_EQ(reading.findings[2].code, "unknown-global");
}

TEST(Pickle, EscapesHostileNames) {
  const auto result = Read(Stream(Call("os", "sys\x1b[2Jtem", {})));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::Not(HasSubstr("\x1b")));
}

// Storing into a rebuilt tensor writes memory (CVE-2026-24747).
TEST(Pickle, RefusesItemsOnTensors) {
  const std::string tensor = Tensor(Storage("FloatStorage", "0", 1), 0, Sizes({1}), Sizes({1}));
  EXPECT_EQ(CodeOf(Stream(tensor + "K\x00K\x01s"s)), Errc::kMalformed);
  EXPECT_EQ(CodeOf(Stream(tensor + "Na")), Errc::kMalformed);
}

// --- cost

TEST(Pickle, MemoIndexesReserveNothing) {
  EXPECT_TRUE(
      Ok(Read("Nr\xff\xff\xff\xff"
              "j\xff\xff\xff\xff"
              "0.")));
}

TEST(Pickle, DeepNestingIsNoRecursion) {
  std::string stream;
  for (int i = 0; i < 1'000'000; ++i) stream += ']';
  for (int i = 1; i < 1'000'000; ++i) stream += 'a';
  const auto reading = Read(stream + ".");
  ASSERT_TRUE(Ok(reading));
  EXPECT_EQ(reading->graph.Items(reading->root).size(), 1u);
}

// --- texts of the old opcodes

TEST(PickleText, ReadsIntegersAsPythonDoes) {
  EXPECT_EQ(ParsePickleInteger(" -0x10 ")->value, -16);
  EXPECT_EQ(ParsePickleInteger("0b101")->value, 5);
  EXPECT_EQ(ParsePickleInteger("-9223372036854775808")->value, INT64_MIN);
  EXPECT_FALSE(ParsePickleInteger("9223372036854775808")->value);
  for (const char* const text : {"", "-", "1__0", "_1", "1_", "0x", "1.0", "a"}) {
    EXPECT_FALSE(ParsePickleInteger(text)) << text;
  }
}

TEST(PickleText, DecodesEscapes) {
  EXPECT_EQ(ParsePickleString("'a\\n\\x41\\101\\'\\q'"), "a\nAA'\\q");
  EXPECT_FALSE(ParsePickleString("'a\""));
  EXPECT_FALSE(ParsePickleString("'\\x4'"));
  EXPECT_EQ(ParseRawUnicode("\\u00e9\xe9\\\\u"), "\xc3\xa9\xc3\xa9\\\\u");
  EXPECT_FALSE(ParseRawUnicode("\\u00"));
}

TEST(PickleText, AcceptsLoneSurrogatesOnly) {
  EXPECT_TRUE(IsPickleUtf8("a\xed\xa0\x80z"));
  EXPECT_TRUE(IsPickleUtf8("\xed\x9f\xbf"));
  EXPECT_FALSE(IsPickleUtf8("\xc3\xed\xa0\x80\xa9"));
  EXPECT_FALSE(IsPickleUtf8("\xed\xa0"));
  EXPECT_FALSE(IsPickleUtf8("\xff"));
}

}  // namespace
}  // namespace hallmark
