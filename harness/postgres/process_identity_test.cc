#include "harness/postgres/process_identity.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace migproof {
namespace {

TEST(ProcessIdentity, TellsALivingProcessFromOneThatHasEnded) {
  EXPECT_EQ(PresenceOf(IdentityOf(getpid())), Presence::kAlive);
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const std::string identity = IdentityOf(child);
  EXPECT_EQ(PresenceOf(identity), Presence::kAlive);
  kill(child, SIGKILL);
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(PresenceOf(identity), Presence::kGone) << "ended, and not reaped yet";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(PresenceOf(identity), Presence::kGone);
}

TEST(ProcessIdentity, ANumberThatAnotherProcessHasIsNotTheSameProcess) {
  std::string identity = IdentityOf(getpid());
  identity.back() = identity.back() == '1' ? '2' : '1';
  EXPECT_EQ(PresenceOf(identity), Presence::kGone);
}

TEST(ProcessIdentity, KnowsWhatItCannotTell) {
  EXPECT_EQ(PresenceOf(""), Presence::kUnknown);
  EXPECT_EQ(PresenceOf("something else"), Presence::kUnknown);
  std::string elsewhere = IdentityOf(getpid());
  elsewhere.replace(elsewhere.find("pid:["), 6, "pid:[9");
  EXPECT_EQ(PresenceOf(elsewhere), Presence::kUnknown);
  EXPECT_EQ(PresenceOf("0 pid:[1] 1 1"), Presence::kGone) << "before the machine's last start";
}

}  // namespace
}  // namespace migproof
