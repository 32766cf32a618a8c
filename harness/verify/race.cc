#include "harness/verify/race.h"

#include <unistd.h>

#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <thread>

#include "harness/postgres/cpu_seat.h"
#include "harness/verify/runner_process.h"

namespace migproof {

namespace {

// One runner on its way to the heads, as `migproof upgrade heads` goes it.
void RunToHeads(const Subject& subject, Session& session, const Database& database, int lock_timeout_ms,
                const std::function<void(const Revision&)>& applied) {
  Runner runner(session, subject.history(), subject.ledger(), OptionsFor(subject, database));
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
  const AllCpus racers_do_not_take_turns(bench.server());
  auto database = bench.Fresh();
  RaceResult result;
  std::unique_ptr<RunnerProcess> killed;
  if (options.killed_after >= 0) {
    killed = std::make_unique<RunnerProcess>([&](const RunnerProcess::Bell& ring) {
      int done = 0;
      Session session(FixedConninfo(*database));
      RunToHeads(subject, session, *database, options.lock_timeout_ms, [&](const Revision&) {
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
  struct Racer {
    std::vector<std::string> applied;
    std::optional<Error> complaint;
  };
  std::vector<Racer> racers(static_cast<std::size_t>(options.runners));
  std::vector<std::thread> threads;
  threads.reserve(racers.size());
  std::latch all_are_connected(options.runners);
  for (Racer& racer : racers) {
    threads.emplace_back([&] {
      std::unique_ptr<Session> session;
      try {
        session = std::make_unique<Session>(FixedConninfo(*database));
      } catch (const Error& error) {
        racer.complaint = error;
      }
      all_are_connected.arrive_and_wait();
      if (session == nullptr) return;
      try {
        RunToHeads(subject, *session, *database, options.lock_timeout_ms,
                   [&](const Revision& revision) { racer.applied.push_back(revision.id); });
      } catch (const Error& error) {
        racer.complaint = error;
      }
    });
  }
  if (killed != nullptr) killed->Kill();
  for (std::thread& thread : threads) thread.join();
  for (Racer& racer : racers) {
    for (const std::string& id : racer.applied) ++result.applied[id];
    if (racer.complaint) result.complaints.push_back(std::move(*racer.complaint));
  }
  Stand stand(bench, std::move(database), subject.order().size());
  result.ledger = ReadLedger(stand.session(), subject);
  result.end = stand.Observe();
  return result;
}

std::vector<std::string> LockLetGo(const Bench& bench) {
  const auto database = bench.Fresh();
  std::vector<std::string> let_go;
  Session session(FixedConninfo(*database));
  RunToHeads(bench.subject(), session, *database, 0, [&](const Revision& revision) {
    Session other(database->Conninfo());  // a script may have ended the one before
    try {
      const RunnerLock taken(other, 0);
      let_go.push_back(revision.id);
    } catch (const Error& error) {
      if (error.sql()) throw;  // the server's own complaint; that the lock is held is as it should be
    }
  });
  return let_go;
}

}  // namespace migproof
