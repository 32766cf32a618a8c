// `migproof verify`: options in, report out, exit status back.
#pragma once

#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "harness/verify/verify.h"

namespace migproof {

struct VerifyCommand {
  std::string format = "native";
  std::filesystem::path path;
  std::vector<std::filesystem::path> before;
  std::filesystem::path model;     // empty: none
  std::string postgres = "local";  // see ParseServerSpec
  StartOptions start;
  std::vector<std::string> laws;
  std::vector<std::string> revisions;
  std::string since;  // only revisions that are neither this one nor its ancestors
  int jobs = 0;
  std::uint64_t seed = 0;
  bool keep = false;
  std::filesystem::path expect;    // empty: the exit status follows from the verdicts
  bool bless = false;              // write `expect` instead of comparing
  std::filesystem::path waivers;
  std::vector<std::string> reports = {"text"};  // NAME or NAME=FILE
  std::map<std::string, std::vector<std::string>> declarations;  // by revision, from the configuration
  std::string command_line;  // for reproductions: "migproof verify --format native --path db"
};

// 0, 1 or 2 as DESIGN says; with `expect`, 0 exactly when the verdicts are those, else 1. Reports without a file go to
// `out`; progress goes to `err` where that is a terminal.
int RunVerify(const VerifyCommand& command, std::ostream& out, std::ostream& err);

// The history of a directory, declarations of the configuration added: everything that can be wrong is an Error here.
Subject ReadSubject(const VerifyCommand& command);

}  // namespace migproof
