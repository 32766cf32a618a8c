// A tool's way to keep its migrations: reads a directory into revisions, and says how that tool would run them.
//
// One file in formats/ per tool, registered by name. The conformance suite (format_conformance_test.cc) runs over each.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/ledger.h"
#include "migrations/registry.h"
#include "migrations/revision.h"
#include "migrations/step_tool.h"

namespace migproof {

// What a project says about its tool.
struct ToolSettings {
  std::filesystem::path directory;                // of the history
  std::string database_url_env = "DATABASE_URL";  // the variable that the tool takes its URL from
  std::map<std::string, std::string> values;      // "tool" in migproof.json; each format has keys of its own
};

// What makes a directory look like a tool's.
struct Recognition {
  std::string by;        // in a few words: "20 files hold '-- +goose Up'"; "" where nothing does
  bool certain = false;  // no other tool's directories look so; without it the names fit, and so may another tool's

  explicit operator bool() const { return !by.empty(); }
};

class Format {
 public:
  virtual ~Format() = default;

  // One line for `migproof list formats`.
  virtual std::string_view Summary() const = 0;

  // The revisions under `directory`, in the tool's own order. Error(usage) where the directory is absent or unreadable;
  // Error(history), with the file, for whatever the tool would refuse or misread: duplicate keys, a missing section,
  // an unknown directive. No file is skipped unless the tool itself ignores that name. An empty result is returned as
  // such: History refuses it.
  virtual std::vector<Revision> Read(const std::filesystem::path& directory) const = 0;

  // As Read of settings.directory, where what the project says about its tool decides what the files say (values of
  // placeholders).
  virtual std::vector<Revision> ReadWith(const ToolSettings& settings) const { return Read(settings.directory); }

  // Whether `directory` looks like this tool's, for `--format auto`. What can't be read or is malformed counts as not
  // there: it never throws, so that a history with a fault in it is still recognised, and then refused for its fault.
  virtual Recognition Recognise(const std::filesystem::path& /*directory*/) const { return {}; }

  // Where this tool records what is applied.
  virtual std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings = {}) const = 0;

  // The tool itself, where only it can run the steps; null where scripts are sent.
  virtual std::unique_ptr<StepTool> MakeTool(const ToolSettings&) const { return nullptr; }

  // Whether the tool runs the steps of one run on one connection and leaves it as their scripts do: then a SET in one
  // step reaches the next.
  virtual bool SharesSession() const { return false; }

  // The text and file name of a new revision, for `migproof revision` and `merge`; Error(usage) where the format's
  // files are made by its own tool only.
  struct NewFile {
    std::filesystem::path path;  // below the directory
    std::string text;
  };
  virtual std::vector<NewFile> MakeRevision(const Revision& revision) const = 0;
};

template <>
struct RegistryNoun<Format> {
  static constexpr const char* kNoun = "format";
};

// The bytes of a file, as a format reads them: Error(usage) for a file that can't be opened, is not a regular file (a
// FIFO would block), is larger than 32 MiB, or is not UTF-8 (the byte's offset is named). A BOM is dropped.
std::string ReadTextFile(const std::filesystem::path& path);

// The entries of a directory, sorted by name. Error(usage) where it is not a readable directory.
std::vector<std::filesystem::path> ListDirectory(const std::filesystem::path& directory);

}  // namespace migproof
