// A history on several servers in step: after each move, what one of them has otherwise than the others.
//
//   const VersionStep& step = trial.elsewhere().OnEveryServer(trial.revision());
//
// All databases go up together, revision by revision, and then down from the heads; where a downgrade is refused, the
// state below it is made anew. A step answers only for the differences that it adds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/verify/replay_source.h"
#include "harness/verify/stand.h"

namespace migproof {

// What some servers have otherwise than another one.
struct VersionFault {
  Move move = Move::kUpgrade;
  std::vector<std::string> servers;  // "17", "18": where it is so
  std::string against;               // "15": where it is not
  std::vector<std::string> drift;    // what was (against), what is (servers)
  std::vector<std::string> rows;     // likewise
};

// A statement that some servers refuse, and others don't.
struct VersionRefusal {
  Move move = Move::kUpgrade;
  std::vector<std::string> refusing;
  std::vector<std::string> taking;
  int oldest_taking = 0;  // majors
  int newest_refusing = 0;
  std::string line;  // the refusal, by the first of them
  SourceLocation where;
};

struct VersionStep {
  std::vector<std::string> compared;                // servers, in the order of the run
  std::map<std::string, std::string> not_declared;  // server -> what it lacks (an extension)
  std::map<std::string, std::string> declared;      // server -> the requirement that it does not meet
  std::vector<VersionFault> faults;
  std::vector<VersionRefusal> refusals;
  std::vector<std::string> notes;
  std::int64_t objects = 0;
  std::int64_t rows = 0;
  std::int64_t steps = 0;
};

class Versions {
 public:
  // On the server of `bench` and on all of its BenchOptions::others.
  explicit Versions(const Bench& bench);
  ~Versions();

  // What happens at order()[index]. The first call runs the whole history.
  const VersionStep& At(std::size_t index);

 private:
  struct Runner;

  void GoUp();
  void GoDown();
  void LeaveOut(VersionStep& step, const Revision& revision);
  void Rebase(std::size_t index);
  void Compare(Move move, VersionStep& step);
  void CompareWith(Runner& first, Runner& other, Move move, VersionStep& step);
  void CompareRefusals(Move move, const std::vector<std::vector<Error>>& refusals, VersionStep& step);
  void NoteExtensions(VersionStep& step);
  bool DowngradeAll(std::size_t index, VersionStep& step);

  const Bench& bench_;
  std::vector<std::unique_ptr<Runner>> runners_;  // still taking part
  std::unique_ptr<Runner> twin_;                  // of the first: what differs there is the clock's doing, or chance's
  std::vector<VersionStep> steps_;
  std::set<std::string> noted_;
};

}  // namespace migproof
