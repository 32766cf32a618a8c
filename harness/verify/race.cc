#include "harness/verify/race.h"

#include <unistd.h>

#include <thread>

#include "harness/verify/runner_process.h"

namespace migproof {

namespace {

// One runner on its way to the heads, as `migproof upgrade heads` goes it.
void RunToHeads(const Subject& subject, const Database& database, int lock_timeout_ms,
                const std::function<void(const Revision&)>& applied) {
  Session session(FixedConninfo(database));
  RunnerOptions options;
  options.guard = [&](Session& own) { database.CheckToken(own); };
  Runner runner(session, subject.history(), subject.ledger(), options);
  const RunnerLock lock(session, lock_timeout_ms);
  runner.Prepare();
  for (const Revision* revision : subject.history().UpgradePath(runner.Applied(), "heads")) {
    runner.Apply({Direction::kUpgrade, revision});
    applied(*revision);
  }
}

}  // namespace

RaceResult Race(const Bench& bench, const RaceOptions& options) {
  const Subject& subject = bench.subject();
  auto database = bench.Fresh();
  RaceResult result;
  std::unique_ptr<RunnerProcess> killed;
  if (options.killed_after >= 0) {
    killed = std::make_unique<RunnerProcess>([&](const RunnerProcess::Bell& ring) {
      int done = 0;
      RunToHeads(subject, *database, options.lock_timeout_ms, [&](const Revision&) {
        if (++done < options.killed_after) return;
        ring();
        pause();  // holding the lock, until it is killed
      });
    });
    if (killed->WaitForBell()) {
      const auto session = database->Connect();
      for (const std::string& id : ReadLedger(*session, subject).applied) ++result.applied[id];
    }
  }
  struct Runner {
    std::vector<std::string> applied;
    std::optional<Error> complaint;
  };
  std::vector<Runner> runners(static_cast<std::size_t>(options.runners));
  std::vector<std::thread> threads;
  threads.reserve(runners.size());
  for (Runner& runner : runners) {
    threads.emplace_back([&] {
      try {
        RunToHeads(subject, *database, options.lock_timeout_ms,
                   [&](const Revision& revision) { runner.applied.push_back(revision.id); });
      } catch (const Error& error) {
        runner.complaint = error;
      }
    });
  }
  if (killed != nullptr) killed->Kill();
  for (std::thread& thread : threads) thread.join();
  for (Runner& runner : runners) {
    for (const std::string& id : runner.applied) ++result.applied[id];
    if (runner.complaint) result.complaints.push_back(std::move(*runner.complaint));
  }
  Stand stand(bench, std::move(database), subject.order().size());
  result.ledger = ReadLedger(stand.session(), subject);
  result.end = stand.Observe();
  return result;
}

std::vector<std::string> LockLetGo(const Bench& bench) {
  const auto database = bench.Fresh();
  std::vector<std::string> let_go;
  {
    Session other(database->Conninfo());
    RunToHeads(bench.subject(), *database, 0, [&](const Revision& revision) {
      try {
        const RunnerLock taken(other, 0);
        let_go.push_back(revision.id);
      } catch (const Error& error) {
        if (error.sql()) throw;  // the server's own complaint; that the lock is held is as it should be
      }
    });
  }
  return let_go;
}

}  // namespace migproof
