// Laws over a history as GoogleTest tests: each pair of a law and a revision is one, named LAW.REVISION, and
// LAW.the_history for what a law says about the whole. It is the main program of `migproof-gtest`, and of the test
// programs of those who write laws of their own (migproof::gtest_main).
//
//   migproof-gtest --config migproof.json --gtest_filter='round_trip.*'
//
// All tests that one process runs are verified in one go, on one server, when the first of them starts; listing tests
// starts nothing. A verdict is a test's result: held is a pass; not applicable and waived are skipped, with the reason;
// everything else fails, also what could not be looked at.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/cli/untrusted.h"
#include "harness/cli/verify_command.h"
#include "harness/postgres/kept_server.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

using Unit = std::pair<std::string, std::string>;

// What the command line says beside GoogleTest's own flags.
struct Given {
  VerifyCommand command;
  std::string kept_server;  // the file of 'migproof servers start'
  bool list_for_ctest = false;
  int skip_status = 0;  // to end with where every test that ran was skipped
};

// GoogleTest's filters give '.', ':', '*', '?' and '-' a meaning.
std::string TestName(const std::string& revision) {
  if (revision.empty()) return "the_history";
  std::string name = revision;
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (!plain) c = '_';
  }
  return name;
}

// The units by their tests' names, in the order of a report.
std::vector<std::pair<Unit, std::string>> NamedUnits(const std::vector<Unit>& units) {
  std::vector<std::pair<Unit, std::string>> named;
  std::map<Unit, int> taken;
  for (const Unit& unit : units) {
    std::string name = TestName(unit.second);
    const int others = taken[{unit.first, name}]++;
    if (others > 0) name += fmt::format("_{}", others + 1);
    named.emplace_back(unit, name);
  }
  return named;
}

// The verdicts of all tests that this process runs.
class Verdicts {
 public:
  Verdicts(const Given& given, const Subject& subject, VerifyOptions options)
      : given_(given), subject_(subject), options_(std::move(options)) {}

  void Want(const Unit& unit, const testing::TestInfo* info) { tests_.emplace_back(unit, info); }

  // The report of one unit alone; Error where nothing could be verified.
  Report Of(const Unit& unit) {
    if (!begun_) {
      begun_ = true;
      Run();
    }
    if (!failure_.empty()) throw Error(ErrorKind::kServer, failure_);
    Report alone = whole_;
    alone.notes.clear();
    alone.coverage = {};
    std::erase_if(alone.verdicts, [&](const Verdict& v) { return Unit(v.law, v.revision) != unit; });
    return alone;
  }

 private:
  void Run() {
    for (const auto& [unit, info] : tests_) {
      if (info->should_run()) options_.units.insert(unit);
    }
    try {
      if (!given_.kept_server.empty() && !subject_.touches_cluster()) {
        options_.factory = [url = ReadKeptServer(given_.kept_server).conninfo] {
          return ServerSpec{"existing", url}.Start({});
        };
      }
      whole_ = Verify(subject_, options_, nullptr);
      ApplyWaivers(whole_, given_.command.config.waivers, Today());
    } catch (const Error& error) {
      failure_ = error.hint().empty() ? error.message() : fmt::format("{} ({})", error.message(), error.hint());
    }
  }

  const Given& given_;
  const Subject& subject_;
  VerifyOptions options_;
  std::vector<std::pair<Unit, const testing::TestInfo*>> tests_;
  bool begun_ = false;
  Report whole_;
  std::string failure_;
};

class UnitTest : public testing::Test {
 public:
  UnitTest(Verdicts& verdicts, Unit unit) : verdicts_(verdicts), unit_(std::move(unit)) {}

 private:
  void TestBody() override {
    Report report;
    try {
      report = verdicts_.Of(unit_);
    } catch (const Error& error) {
      FAIL() << error.Render();
    }
    ASSERT_EQ(report.verdicts.size(), 1U) << "nobody looked at it";
    const Verdict& verdict = report.verdicts.front();
    if (!verdict.waiver.empty()) GTEST_SKIP() << "waived: " << verdict.waiver;
    if (verdict.outcome == Outcome::kNotApplicable) GTEST_SKIP() << "not applicable: " << verdict.reason;
    if (verdict.outcome == Outcome::kHeld) return;
    std::ostringstream text;
    Registry<Reporter>::Get("text").Write(report, {}, text);
    FAIL() << text.str();
  }

  Verdicts& verdicts_;
  Unit unit_;
};

constexpr const char* kUsageText =
    R"(Laws over a history as GoogleTest tests, beside GoogleTest's own flags (see above):
  --config FILE        configuration (migproof.json)
  --law LAW            only this law; several allowed
  --postgres PROVIDER  throw-away servers: local, local:15, docker:IMAGE, existing:URL
  --cases N            sets of generated rows for each revision; 0: none
  --server FILE        a server that 'migproof servers start --state FILE' keeps
  --skip-status N      exit status where every test that ran was skipped (0)
  --list-for-ctest     write LAW, tab, TEST for each test, and end
)";

int ToCount(const std::string& flag, const std::string& value) {
  if (value.empty() || value.size() > 6 || value.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is a count, not '{}'", flag, value));
  }
  return std::stoi(value);
}

Given ReadCommandLine(int argc, char** argv) {
  Given given;
  std::map<std::string, std::string> values = {
      {"--config", kConfigFileName}, {"--postgres", ""}, {"--cases", ""}, {"--server", ""}, {"--law", ""},
      {"--skip-status", "0"}};
  std::vector<std::string> laws;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    if (word == "--list-for-ctest") {
      given.list_for_ctest = true;
      continue;
    }
    if (!values.contains(flag)) {
      std::vector<std::string> known = {"--list-for-ctest"};
      for (const auto& [name, value] : values) known.push_back(name);
      throw Error(ErrorKind::kUsage, fmt::format("migproof-gtest takes no '{}'", word))
          .WithHint(NearNameHint(flag, known, "'migproof-gtest --help' explains each flag"));
    }
    if (equals == std::string::npos && i + 1 == argc) {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' needs a value", flag));
    }
    values[flag] = equals == std::string::npos ? argv[++i] : word.substr(equals + 1);
    if (flag == "--law") laws.push_back(values[flag]);
  }
  given.kept_server = values["--server"];
  given.skip_status = ToCount("--skip-status", values["--skip-status"]);
  VerifyCommand& command = given.command;
  command.config = LoadConfig(values["--config"]);
  SettleFormat(command.config, std::cerr);
  if (!laws.empty()) command.config.laws = laws;
  if (!values["--postgres"].empty()) {
    command.config.postgres = values["--postgres"];
    command.config.names_postgres = true;
  }
  SettleServer(command.config, std::cerr);
  if (!values["--cases"].empty()) command.config.cases = ToCount("--cases", values["--cases"]);
  command.command_line = fmt::format("migproof verify --config {}", values["--config"]);
  return given;
}

int RunTests(int argc, char** argv) {
  const Given given = ReadCommandLine(argc, argv);
  const Subject subject = ReadSubject(given.command.config);
  VerifyOptions options = OptionsOf(given.command);
  if (options.servers.size() > 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("a test program runs on one server, found '{}'", given.command.config.postgres))
        .WithHint("--postgres local:15, or in CMake: migproof_add_tests(... POSTGRES local:15 local:16)");
  }
  options.jobs = 1;  // ctest runs several such processes
  AddRegressions(given.command.config, options);
  const auto named = NamedUnits(UnitsToVerify(subject, options));
  if (given.list_for_ctest) {
    for (const auto& [unit, name] : named) std::cout << unit.first << '\t' << name << '\n';
    return 0;
  }
  ScrubEnvironment();
  Verdicts verdicts(given, subject, options);
  for (const auto& [unit, name] : named) {
    const testing::TestInfo* info = testing::RegisterTest(
        unit.first.c_str(), name.c_str(), nullptr, unit.second.empty() ? nullptr : unit.second.c_str(), __FILE__,
        __LINE__, [&verdicts, unit = unit]() -> testing::Test* { return new UnitTest(verdicts, unit); });
    verdicts.Want(unit, info);
  }
  const int status = RUN_ALL_TESTS();
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  if (testing::GTEST_FLAG(list_tests)) return status;
  if (tests.test_to_run_count() == 0 && std::getenv("GTEST_TOTAL_SHARDS") == nullptr) {
    std::cerr << "error: the filter leaves no test: nothing was looked at\n";
    return 2;
  }
  return status == 0 && tests.skipped_test_count() == tests.test_to_run_count() ? given.skip_status : status;
}

}  // namespace

}  // namespace migproof

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // GoogleTest has written its own help and leaves the word in place.
  if (std::any_of(argv, argv + argc, [](const char* word) { return std::strcmp(word, "--help") == 0; })) {
    std::cout << '\n' << migproof::kUsageText;
    return 0;
  }
  try {
    return migproof::RunTests(argc, argv);
  } catch (const migproof::Error& error) {
    std::cerr << error.Render() << '\n';
    return 2;
  }
}
