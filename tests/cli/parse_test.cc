#include "cli/parse.h"

#include "tests/support/test_support.h"

namespace hallmark {
namespace {

Invocation Parsed(const std::vector<std::string>& arguments) {
  Result<Invocation> invocation = ParseCommandLine(arguments);
  EXPECT_TRUE(Ok(invocation));
  return invocation ? *invocation : Invocation{};
}

Error Refused(const std::vector<std::string>& arguments) {
  Result<Invocation> invocation = ParseCommandLine(arguments);
  EXPECT_FALSE(invocation.has_value());
  if (invocation) return Error{Errc::kIo, "", "was accepted"};
  EXPECT_EQ(invocation.error().code, Errc::kUsage);
  return invocation.error();
}

TEST(Parse, TakesOptionsBeforeAndAfterOperands) {
  const Invocation got =
      Parsed({"verify", "--against", "a.chk", "dir", "--against=b.json", "-qj2"});

  EXPECT_EQ(got.verb->name, "verify");
  EXPECT_EQ(got.arguments.Operands(), std::vector<std::string>{"dir"});
  EXPECT_EQ(got.arguments.Values("--against"), (std::vector<std::string>{"a.chk", "b.json"}));
  EXPECT_TRUE(got.arguments.Given("--quiet"));
  EXPECT_EQ(got.arguments.Number("--threads"), 2u);
  EXPECT_FALSE(got.arguments.Given("--json"));
  EXPECT_EQ(got.arguments.Text("--color"), "auto");
}

// An option takes one value, so that what follows is an operand.
TEST(Parse, RepeatableOptionsDoNotSwallowOperands) {
  const Invocation got = Parsed({"verify", "--against", "a.chk", "dir"});

  EXPECT_EQ(got.arguments.Values("--against"), std::vector<std::string>{"a.chk"});
  EXPECT_EQ(got.arguments.Operands(), std::vector<std::string>{"dir"});
}

// Names that mean something to parsing libraries are only names here.
TEST(Parse, OddNamesStayAsTheyAre) {
  for (const std::string name :
       {"hash", "[a,b]", "{}", "%%", "a b", "--", "-x", "+x", "a,b", "~"}) {
    const Invocation got = Parsed({"inspect", "--", name});
    EXPECT_EQ(got.arguments.Operands(), std::vector<std::string>{name});
  }
  EXPECT_EQ(Parsed({"verify", "d", "--against", "[a]"}).arguments.Values("--against"),
            std::vector<std::string>{"[a]"});
  EXPECT_EQ(Parsed({"verify", "d", "--against", "a,b"}).arguments.Values("--against"),
            std::vector<std::string>{"a,b"});
  EXPECT_EQ(Parsed({"verify", "verify"}).arguments.Operands(), std::vector<std::string>{"verify"});
}

TEST(Parse, SuggestsTheNearestVerbAndOption) {
  EXPECT_EQ(Refused({"verfiy", "x"}).hint, "did you mean verify?");
  EXPECT_EQ(Refused({"catalog", "list"}).hint, "did you mean catalogue?");
  EXPECT_EQ(Refused({"catalogue", "shwo"}).hint, "did you mean show?");
  EXPECT_EQ(Refused({"verify", "--agianst", "x", "dir"}).hint, "did you mean --against?");
  EXPECT_EQ(Refused({"verify", "--agianst=x"}).message, "unknown option --agianst");
  EXPECT_EQ(Refused({"hash", "x", "--algo", "sha265"}).hint, "did you mean sha256?");
  EXPECT_EQ(Refused({"completion", "bsh"}).hint, "did you mean bash?");
}

TEST(Parse, RefusesWhatMakesNoSense) {
  EXPECT_EQ(Refused({"--json"}).message, "options come after the verb");
  EXPECT_EQ(Refused({"inspect"}).message,
            "MODEL is missing: a directory, a tar or packed file of one, any one shard, an "
            "index.json or a "
            "single file");
  EXPECT_EQ(Refused({"inspect", "a", "b"}).message, "unexpected argument b");
  EXPECT_EQ(Refused({"inspect", ""}).message, "an argument is empty");
  EXPECT_EQ(Refused({"verify", "a", "--against"}).message, "--against needs a value: SOURCE");
  EXPECT_EQ(Refused({"verify", "a", "--against="}).message, "--against needs a value: SOURCE");
  EXPECT_EQ(Refused({"verify", "a", "--json=no"}).message, "--json takes no value");
  EXPECT_EQ(Refused({"hash", "a", "-j", "0"}).message, "--threads: got 0, limit 1 to 4096");
  EXPECT_EQ(Refused({"hash", "a", "-j", "-1"}).message, "--threads: got -1, limit 1 to 4096");
  EXPECT_EQ(Refused({"hash", "a", "-o", "x", "-o", "y"}).message, "--output was given twice");
  EXPECT_EQ(Refused({"catalogue"}).message, "needs one of list, show, export, import, add, remove");
}

TEST(Parse, EscapesWhatItQuotes) {
  EXPECT_EQ(Refused({"inspect", "a", "\x1b[2J"}).message, "unexpected argument \\x1b[2J");
}

TEST(Parse, HelpNeedsNothingElse) {
  EXPECT_TRUE(Parsed({"--help"}).wants_help);
  EXPECT_EQ(Parsed({"--help"}).verb, nullptr);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"verify", "--help"}, {"help", "verify"}, {"verify", "x", "-h"}}) {
    EXPECT_TRUE(Parsed(arguments).wants_help);
    EXPECT_EQ(Parsed(arguments).verb->name, "verify");
  }
  EXPECT_EQ(Parsed({"--version"}).verb->name, "version");
}

TEST(Parse, ListsAreSplitAtCommas) {
  const Invocation got = Parsed({"hash", "x", "--algo", "md5,sha256", "--algo", "md5,tree"});
  EXPECT_EQ(got.arguments.List("--algo"), (std::vector<std::string>{"md5", "sha256", "tree"}));
  EXPECT_EQ(Parsed({"hash", "x"}).arguments.List("--algo"), std::vector<std::string>{"sha256"});
}

TEST(NearestSpelling, FarWordsAreNotSuggested) {
  EXPECT_EQ(NearestSpelling("frobnicate", {"verify", "hash"}), "");
  EXPECT_EQ(NearestSpelling("hsah", {"verify", "hash"}), "hash");
  EXPECT_EQ(NearestSpelling(std::string(100'000, 'a'), {"verify"}), "");
}

}  // namespace
}  // namespace hallmark
