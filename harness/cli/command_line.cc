#include "harness/cli/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "harness/cli/assumptions_command.h"
#include "harness/cli/catalog_commands.h"
#include "harness/cli/report_command.h"
#include "harness/cli/runner_commands.h"
#include "harness/cli/servers_command.h"
#include "harness/cli/untrusted.h"
#include "harness/cli/verify_command.h"
#include "harness/data/aim.h"
#include "harness/postgres/kept_server.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"
#include "harness/verify/property.h"
#include "migrations/format.h"

namespace migproof {

namespace {

// What several commands share on the command line; set values win over the configuration file.
struct SharedFlags {
  std::string config = kConfigFileName;
  std::string format;
  std::string path;
  std::vector<std::string> before;
  std::string model;
  std::string squash;
  std::string postgres;
  std::string binaries;
  std::string cache;
  bool allow_existing = false;
  bool untrusted = false;
  std::vector<std::string> extensions;

  Config LoadFile() const { return config == kConfigFileName ? LoadConfigIfThere(config) : LoadConfig(config); }

  Config Load(std::ostream& err) const {
    Config loaded = LoadFile();
    if (!format.empty()) {
      loaded.format = format;
      loaded.names_format = true;
    }
    if (!path.empty()) loaded.path = path;
    if (!model.empty()) loaded.model = model;
    if (!squash.empty()) loaded.squash = squash;
    if (!postgres.empty()) {
      loaded.postgres = postgres;
      loaded.names_postgres = true;
    }
    if (untrusted) loaded.untrusted = true;
    if (!extensions.empty()) loaded.extensions = extensions;
    if (!before.empty()) loaded.before.assign(before.begin(), before.end());
    SettleFormat(loaded, err);
    return loaded;
  }

  // As Load, for commands that start a server.
  Config LoadForServer(std::ostream& err) const {
    Config loaded = Load(err);
    SettleServer(loaded, err);
    return loaded;
  }

  StartOptions Start() const {
    StartOptions start;
    start.binaries = binaries;
    start.cache_directory = cache;
    start.allow_existing = allow_existing;
    return start;
  }
};

class CommandLine {
 public:
  CommandLine(std::ostream& out, std::ostream& err) : out_(out), err_(err) {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "migproof " MIGPROOF_VERSION);
    AddVerify();
    AddReproduce();
    AddAccept();
    AddReport();
    AddList();
    AddCatalog();
    AddRunner();
    AddNewRevisions();
    AddServers();
  }

  int Run(int argc, const char* const* argv) {
    try {
      app_.parse(Arguments(argc, argv));
    } catch (const CLI::CallForHelp&) {
      const auto chosen = app_.get_subcommands();
      out_ << (chosen.empty() ? app_.help() : chosen.front()->help(app_.get_name()));
      return 0;
    } catch (const CLI::CallForVersion& version) {
      out_ << version.what() << '\n';
      return 0;
    } catch (const CLI::ParseError& complaint) {
      throw Complaint(complaint);
    }
    return action_();
  }

 private:
  // The arguments in the parser's (reversed) order. "-1" is a target, which the parser would take for an option.
  static std::vector<std::string> Arguments(int argc, const char* const* argv) {
    std::vector<std::string> arguments;
    bool options_ended = false;  // by "--": from there on the parser takes "-1" as it is
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      options_ended = options_ended || word == "--";
      const bool relative =
          word.size() > 1 && word[0] == '-' && word.find_first_not_of("0123456789", 1) == std::string::npos;
      arguments.push_back(relative && !options_ended ? "--target=" + word : word);
    }
    std::reverse(arguments.begin(), arguments.end());
    return arguments;
  }

  Error Complaint(const CLI::ParseError& complaint) {
    const auto chosen = app_.get_subcommands();
    const std::vector<std::string> unknown = app_.remaining(true);
    if (!unknown.empty()) return UnknownArgument(chosen.empty() ? app_ : *chosen.front(), unknown);
    return Error(ErrorKind::kUsage, complaint.what())
        .WithHint(chosen.empty()
                      ? "'migproof --help' lists the commands"
                      : fmt::format("'migproof {} --help' explains each option", chosen.front()->get_name()));
  }

  // About the first flag that `command` (or the program itself) does not know, or else the first word.
  static Error UnknownArgument(const CLI::App& command, const std::vector<std::string>& unknown) {
    const auto flag = std::find_if(unknown.begin(), unknown.end(), [](const auto& word) { return word[0] == '-'; });
    const std::string subject = flag == unknown.end() ? unknown.front() : flag->substr(0, flag->find('='));
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    for (const CLI::App* further : command.get_subcommands({})) known.push_back(further->get_name());
    if (command.get_parent() == nullptr) {
      return Error(ErrorKind::kUsage, fmt::format("unknown command '{}'", subject))
          .WithHint(NearNameHint(subject, known, "'migproof --help' lists the commands"));
    }
    return Error(ErrorKind::kUsage, fmt::format("'migproof {}' takes no '{}'", command.get_name(), subject))
        .WithHint(
            NearNameHint(subject, known, fmt::format("'migproof {} --help' explains each option", command.get_name())));
  }

  CLI::App* Add(const std::string& name, const std::string& description, std::function<int()> run) {
    CLI::App* command = app_.add_subcommand(name, description);
    command->callback([this, run = std::move(run)] { action_ = run; });
    return command;
  }

  void AddConfigFlag(CLI::App* command) {
    command->add_option("--config", shared_.config, "Configuration file")->capture_default_str();
  }

  void AddHistoryFlags(CLI::App* command) {
    AddConfigFlag(command);
    command->add_option("--format", shared_.format,
                        "How the history is written ('migproof list formats'); auto: as it looks");
    command->add_option("--path", shared_.path, "Directory of the history");
  }

  void AddServerFlags(CLI::App* command) {
    command->add_option("--before", shared_.before, "SQL files that prepare a database before the first revision");
    command->add_option("--postgres", shared_.postgres,
                        "Throw-away servers: local, local:15, docker:IMAGE, existing:URL; several: 13,15,17");
    command->add_option("--binaries", shared_.binaries, "Directory of postgres and initdb");
    command->add_option("--cache", shared_.cache, "Directory for prepared data directories");
    command->add_flag("--allow-existing", shared_.allow_existing, "Permit what changes a server that is not ours");
    command->add_flag(
        "--untrusted", shared_.untrusted,
        "Run the history as a guest that can't reach beyond its databases, in a container where it can be");
    command->add_option("--extension", shared_.extensions,
                        "For --untrusted: extensions that the superuser makes beforehand");
  }

  void AddVerify() {
    CLI::App* verify = Add("verify", "Check laws over a history on throw-away servers", [this] { return Verify(); });
    AddHistoryFlags(verify);
    AddServerFlags(verify);
    verify->add_option("--model", shared_.model,
                       "What the heads are held against: model.json, an .sql file, or python:MODULE:METADATA");
    verify->add_option("--squash", shared_.squash, "An .sql file that stands for the first revisions on new databases");
    verify->add_option("--law", laws_, "Only these laws ('migproof list laws')");
    verify->add_option("--revision", verify_.revisions, "Only these revisions");
    CLI::Option* since = verify->add_option("--since", verify_.since, "Only revisions newer than this one");
    verify
        ->add_option(
            "--git-base", verify_.git_base,
            "The gate: only what is new against the merge base with this git ref, and what it does to the rest")
        ->excludes(since)
        ->excludes("--revision");
    verify->add_option("--profile", profile_, "forward-only: downgrades are not looked at; both-ways: they are");
    verify->add_option("--progress", verify_.progress, "On standard error: auto, live, plain or none");
    verify->add_flag("--quiet", quiet_, "As --progress none");
    verify->add_option("--jobs", jobs_, "Worker processes; 0: as many as pay")->check(CLI::NonNegativeNumber);
    verify->add_option("--seed", seed_, "Fixes every random choice");
    verify->add_option("--cases", cases_, "Sets of generated rows for each revision; 0: none")
        ->check(CLI::NonNegativeNumber);
    verify
        ->add_option("--shrink-budget-evaluations", shrink_evaluations_,
                     "Sets of rows tried to make a counterexample smaller")
        ->check(CLI::NonNegativeNumber);
    verify->add_option("--shrink-budget-ms", shrink_ms_, "The time for that, for each finding")
        ->check(CLI::NonNegativeNumber);
    verify
        ->add_option("--step-timeout-ms", step_timeout_ms_,
                     "A statement that takes longer with generated rows fails; 0: none does")
        ->check(CLI::NonNegativeNumber);
    verify->add_flag("--nightly", verify_.nightly,
                     "Kill and cancel at every statement, where otherwise some are drawn");
    verify->add_option("--shard", shard_, "I/N: the I-th of N parts; 'migproof report merge' puts them together");
    verify->add_option("--budget", budget_, "Time for the whole run (60s, 5m); what it does not reach has given up");
    verify->add_option("--regressions", regressions_, "File of rows that broke a law before; tried first");
    CLI::Option* expect =
        verify->add_option("--expect", verify_.expect, "Succeed exactly when the verdicts are those of this file");
    verify->add_flag("--bless", verify_.bless, "Write the file of --expect instead of comparing")->needs(expect);
    verify->add_option("--waivers", waivers_, "File of accepted findings");
    verify->add_flag("!--no-save", verify_.save, "Do not keep the rows that broke a law");
    verify->add_option("--report", reports_, "NAME or NAME=FILE, several allowed ('migproof list reporters')");
  }

  int Verify() {
    verify_.config = shared_.LoadForServer(err_);
    verify_.start = shared_.Start();
    if (!laws_.empty()) verify_.config.laws = laws_;
    if (jobs_ >= 0) verify_.config.jobs = jobs_;
    if (seed_) verify_.config.seed = *seed_;
    if (cases_ >= 0) verify_.config.cases = cases_;
    if (shrink_evaluations_ >= 0) verify_.config.shrink_budget_evaluations = shrink_evaluations_;
    if (shrink_ms_ >= 0) verify_.config.shrink_budget_ms = shrink_ms_;
    if (step_timeout_ms_ >= 0) verify_.config.step_timeout_ms = step_timeout_ms_;
    if (!regressions_.empty()) verify_.config.regressions = regressions_;
    if (!waivers_.empty()) verify_.config.waivers = waivers_;
    if (!reports_.empty()) verify_.reports = reports_;
    if (!profile_.empty()) verify_.config.forward_only = IsForwardOnly(profile_);
    if (quiet_) verify_.progress = "none";
    if (!shard_.empty()) verify_.shard = ParseShard(shard_);
    if (!budget_.empty()) verify_.budget_ms = ParseBudget(budget_);
    verify_.command_line = "migproof verify";
    const auto repeat = [&](const std::string& flag, const std::string& value) {
      if (!value.empty()) verify_.command_line += fmt::format(" {} {}", flag, ShellWord(value));
    };
    if (shared_.config != kConfigFileName) repeat("--config", shared_.config);
    repeat("--format", shared_.format);
    repeat("--path", shared_.path);
    repeat("--model", shared_.model);
    repeat("--squash", shared_.squash);
    for (const std::string& file : shared_.before) repeat("--before", file);
    repeat("--profile", profile_);
    // Of several servers each finding says on which it is seen again.
    const bool several = shared_.postgres.find(',') != std::string::npos;
    if (shared_.postgres.rfind("existing", 0) != 0 && !several) repeat("--postgres", shared_.postgres);
    if (shared_.untrusted) verify_.command_line += " --untrusted";
    for (const std::string& extension : shared_.extensions) repeat("--extension", extension);
    return RunVerify(verify_, out_, err_);
  }

  void AddReproduce() {
    CLI::App* reproduce =
        Add("reproduce", "Try rows that broke a law again, or write the script that shows it", [this] {
          verify_.config = shared_.LoadForServer(err_);
          verify_.start = shared_.Start();
          if (!regressions_.empty()) verify_.config.regressions = regressions_;
          verify_.command_line = "migproof verify";
          return RunReproduce(verify_, token_, sql_, out_);
        });
    AddHistoryFlags(reproduce);
    AddServerFlags(reproduce);
    reproduce->add_option("token", token_, "The finding's name, as reports print it")->required();
    reproduce->add_flag("--sql", sql_, "Write a script for psql and an empty database instead");
    reproduce->add_option("--regressions", regressions_, "File of rows that broke a law before");
  }

  void AddAccept() {
    CLI::App* accept = Add("accept", "Waive a finding until a day, with a reason", [this] {
      const std::filesystem::path file =
          waivers_.empty() ? shared_.LoadFile().waivers : std::filesystem::path(waivers_);
      AcceptFinding(file, finding_, why_, until_, Today());
      out_ << fmt::format("accepted until {}: {} (in {})\n", until_, finding_, file.string());
      return 0;
    });
    AddConfigFlag(accept);
    accept->add_option("finding", finding_, "Its name, as reports print it")->required();
    accept->add_option("why,--why", why_, "The reason")->required();
    accept->add_option("--until", until_, "The last day, YYYY-MM-DD")->required();
    accept->add_option("--waivers", waivers_, "File of accepted findings");
  }

  void AddReport() {
    CLI::App* report =
        app_.add_subcommand("report", "Show reports that are there, or put the shards of a run together");
    report->require_subcommand(1);
    AddReportCommand(report, "merge", "The JSON reports of all shards of one run as one", MergeCommandForReports)
        ->add_option("files", report_.files, "One JSON report for each shard")
        ->required();
    AddReportCommand(report, "show", "A JSON report in other forms", ShowReportCommand)
        ->add_option("file", report_.files, "JSON report")
        ->required()
        ->expected(1);
  }

  CLI::App* AddReportCommand(CLI::App* parent, const std::string& name, const std::string& description,
                             int (*run)(const ReportCommand&, std::ostream&)) {
    CLI::App* command = parent->add_subcommand(name, description);
    command->callback([this, run] {
      action_ = [this, run] {
        report_.waivers = waivers_.empty() ? shared_.LoadFile().waivers : std::filesystem::path(waivers_);
        if (!reports_.empty()) report_.reports = reports_;
        return run(report_, out_);
      };
    });
    AddConfigFlag(command);
    command->add_option("--waivers", waivers_, "File of accepted findings");
    command->add_option("--report", reports_, "NAME or NAME=FILE, several allowed ('migproof list reporters')");
    return command;
  }

  void AddList() {
    CLI::App* list = Add("list", "List aims, laws, formats, providers or reporters", [this] {
      if (what_ == "laws") return ListAll<Property>([](const Property& p) { return p.Sentence(); });
      if (what_ == "formats") return ListAll<Format>([](const Format& f) { return f.Summary(); });
      if (what_ == "providers") return ListAll<Provider>([](const Provider& p) { return p.Summary(); });
      if (what_ == "aims") return ListAll<Aim>([](const Aim& a) { return a.Summary(); });
      if (what_ == "reporters") return ListAll<Reporter>([](const Reporter& r) { return r.Summary(); });
      throw Error(ErrorKind::kUsage, fmt::format("there is no list of '{}'", what_))
          .WithHint(NearNameHint(what_, {"aims", "laws", "formats", "providers", "reporters"},
                                 "aims, laws, formats, providers or reporters"));
    });
    list->add_option("what", what_, "aims, laws, formats, providers or reporters")->required();
  }

  template <typename Interface, typename Describe>
  int ListAll(Describe describe) {
    for (const std::string& name : Registry<Interface>::Names()) {
      out_ << fmt::format("{:<20} {}\n", name, describe(Registry<Interface>::Get(name)));
    }
    return 0;
  }

  void AddCatalog() {
    CLI::App* catalog = Add("catalog", "Write what a revision, file or database defines, as a model", [this] {
      WriteCatalog({shared_.LoadForServer(err_), shared_.Start()}, at_, out_);
      return 0;
    });
    AddHistoryFlags(catalog);
    AddServerFlags(catalog);
    catalog->add_option("--at", at_, "A revision or 'head', a model, an .sql file, or a database URL")
        ->capture_default_str();
    CLI::App* drift = Add("drift", "Compare two models, .sql files, revisions or databases", [this] {
      return WriteDrift({shared_.LoadForServer(err_), shared_.Start()}, sources_[0], sources_[1], out_);
    });
    AddHistoryFlags(drift);
    AddServerFlags(drift);
    drift->add_option("sources", sources_, "What was, and what is")->required()->expected(2);
  }

  DatabaseCommand ForDatabase() {
    database_.config = shared_.Load(err_);
    return database_;
  }

  CLI::App* AddDatabaseCommand(const std::string& name, const std::string& description,
                               void (*run)(const DatabaseCommand&, std::string_view, std::ostream&)) {
    CLI::App* command = Add(name, description, [this, run] {
      run(ForDatabase(), target_, out_);
      return 0;
    });
    AddHistoryFlags(command);
    command->add_option("--database", database_.database_url, "URL; default: the configured environment variable");
    command->add_flag("--sql", database_.sql, "Write the script for psql instead of running it");
    command->add_option("target,--target", target_, "A revision, head, heads, base, +N, -N, or A:B with --sql")
        ->required();
    return command;
  }

  void AddRunner() {
    AddDatabaseCommand("upgrade", "Run what is pending up to a target", UpgradeCommand)
        ->add_flag("--allow-out-of-order", database_.allow_out_of_order, "Also below revisions that are applied");
    AddDatabaseCommand("downgrade", "Undo down to a target", DowngradeCommand);
    AddDatabaseCommand("stamp", "Record a target as applied without running anything", StampCommand);
    CLI::App* current = Add("current", "What a database has, and what is pending", [this] {
      CurrentCommand(ForDatabase(), out_);
      return 0;
    });
    AddHistoryFlags(current);
    current->add_option("--database", database_.database_url, "URL; default: the configured environment variable");
    CLI::App* assumptions =
        Add("assumptions", "Count the rows of a database that break what the history assumes; only reads",
            [this] { return AssumptionsCommand(ForDatabase(), out_); });
    AddHistoryFlags(assumptions);
    assumptions->add_option("--database", database_.database_url, "URL; default: the configured environment variable");
    AddHistoryFlags(Add("heads", "The revisions that nothing follows", [this] {
      HeadsCommand(shared_.Load(err_), out_);
      return 0;
    }));
    CLI::App* history = Add("history", "All revisions, the newest first", [this] {
      HistoryCommand(shared_.Load(err_), target_, out_);
      return 0;
    });
    AddHistoryFlags(history);
    history->add_option("range", target_, "A:B");
    CLI::App* show = Add("show", "One revision, whole", [this] {
      ShowCommand(shared_.Load(err_), target_, out_);
      return 0;
    });
    AddHistoryFlags(show);
    show->add_option("target", target_, "A revision, head or heads")->required();
    AddHistoryFlags(Add("check-history", "Read every file and say what the history consists of", [this] {
      CheckHistoryCommand(shared_.Load(err_), out_);
      return 0;
    }));
  }

  void AddNewRevisions() {
    CLI::App* init = Add("init", "Write a configuration and make the directory of a history", [this] {
      InitCommand(shared_.config, shared_.format.empty() ? "native" : shared_.format,
                  shared_.path.empty() ? "migrations" : shared_.path, out_);
      return 0;
    });
    AddHistoryFlags(init);
    AddNewRevision("revision", "Write the file of a new revision", NewRevisionCommand);
    AddNewRevision("merge", "Write a revision that joins heads", MergeCommand);
  }

  void AddNewRevision(const std::string& name, const std::string& description,
                      void (*run)(const Config&, const NewRevision&, std::ostream&)) {
    CLI::App* command = Add(name, description, [this, run] {
      run(shared_.Load(err_), new_revision_, out_);
      return 0;
    });
    AddHistoryFlags(command);
    command->add_option("-m,--message", new_revision_.message, "Title")->required();
    command->add_option("--id", new_revision_.id, "Id; default: made up");
    command->add_option("--parent", new_revision_.parents, "Parents; default: the head");
    command->add_option("--depends-on", new_revision_.depends_on, "Must be applied earlier");
    command->add_option("--label", new_revision_.labels, "Branch labels");
  }

  void AddServers() {
    CLI::App* servers =
        app_.add_subcommand("servers", "Install servers of other versions; keep one for several commands");
    servers->require_subcommand(1);
    AddServersCommand(servers, "install", "Servers of these versions (17, 17.4) from npm's registry, checksum verified",
                      InstallServers)
        ->add_option("--registry", servers_.registry, "npm registry; default: NPM_CONFIG_REGISTRY, or npm's own");
    AddServersCommand(servers, "remove", "Servers of these majors that 'servers install' has installed", RemoveServers);
    AddServersCommand(servers, "list", "The servers that 'local' can start", ListServers);
    CLI::App* start = servers->add_subcommand(
        "start", "Start a server that is there until 'servers stop', or until the process that asked for it ends");
    start->callback([this] {
      action_ = [this] {
        const KeptServer kept = KeepServer(
            ParseServerSpecs(shared_.postgres.empty() ? shared_.LoadFile().postgres : shared_.postgres).front(),
            shared_.Start(), getppid(), server_state_);
        out_ << fmt::format("{} is kept; {} says where\n", kept.description, server_state_);
        return 0;
      };
    });
    AddServerFlags(start);
    AddConfigFlag(start);
    CLI::App* stop = servers->add_subcommand("stop", "Stop a server that 'servers start' has started");
    stop->callback([this] {
      action_ = [this] {
        out_ << (StopKeptServer(server_state_) ? "stopped\n" : "there is none\n");
        return 0;
      };
    });
    for (CLI::App* command : {start, stop}) {
      command->add_option("--state", server_state_, "The file that says where the server is")->required();
    }
  }

  CLI::App* AddServersCommand(CLI::App* parent, const std::string& name, const std::string& description,
                              void (*run)(const ServersCommand&, std::ostream&)) {
    CLI::App* command = parent->add_subcommand(name, description);
    command->callback([this, run] {
      action_ = [this, run] {
        servers_.start = shared_.Start();
        run(servers_, out_);
        return 0;
      };
    });
    command->add_option("--cache", shared_.cache, "Directory for servers and prepared data directories");
    if (name != "list") command->add_option("versions", servers_.versions, "Versions")->required();
    return command;
  }

  std::ostream& out_;
  std::ostream& err_;
  CLI::App app_{
      "Proves database migrations for PostgreSQL: runs them up and down on throw-away servers and checks laws.",
      "migproof"};
  std::function<int()> action_;
  SharedFlags shared_;
  VerifyCommand verify_;
  std::vector<std::string> laws_;
  std::vector<std::string> reports_;
  int jobs_ = -1;
  std::optional<std::uint64_t> seed_;
  int cases_ = -1;
  int shrink_evaluations_ = -1;
  int shrink_ms_ = -1;
  int step_timeout_ms_ = -1;
  std::string profile_;
  bool quiet_ = false;
  std::string shard_;
  std::string budget_;
  ReportCommand report_;
  std::string regressions_;
  std::string token_;
  bool sql_ = false;
  std::string waivers_;
  std::string finding_, why_, until_;
  std::string what_;
  std::string at_ = "head";
  std::vector<std::string> sources_;
  DatabaseCommand database_;
  std::string target_;
  NewRevision new_revision_;
  std::string server_state_;
  ServersCommand servers_;
};

}  // namespace

int RunCommandLine(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  try {
    return CommandLine(out, err).Run(argc, argv);
  } catch (const Error& error) {
    err << error.Render() << '\n';
    return 2;
  } catch (const std::exception& error) {
    err << fmt::format("error: {}\nhint: this is a fault of migproof itself\n", error.what());
    return 2;
  }
}

}  // namespace migproof
