#include "harness/cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>

#include "migrations/format.h"
#include "migrations/recognise.h"

namespace migproof {

namespace {

using nlohmann::json;

constexpr std::string_view kAutoFormat = "auto";

Error ConfigError(const Config& config, const std::string& message) {
  return Error(ErrorKind::kUsage, message).WithLocation({config.file.string(), 0});
}

// A value of the file on its way into the Config; complains with its key.
class ConfigValue {
 public:
  ConfigValue(const Config& config, std::string key, const json& value)
      : config_(config), key_(std::move(key)), value_(value) {}

  bool IsArray() const { return value_.is_array(); }

  std::string Text() const {
    if (!value_.is_string()) throw Mismatch("a string");
    return value_.get<std::string>();
  }

  std::filesystem::path Path() const {
    const std::string text = Text();
    if (text.empty()) throw Mismatch("a path");
    const std::filesystem::path path = text;
    return path.is_absolute() ? path : (config_.file.parent_path() / path).lexically_normal();
  }

  int Natural() const {
    const bool fits = value_.is_number_unsigned() &&
                      value_.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<int>::max());
    if (!fits) throw Mismatch("a whole number from 0");
    return value_.get<int>();
  }

  bool Truth() const {
    if (!value_.is_boolean()) throw Mismatch("true or false");
    return value_.get<bool>();
  }

  std::uint64_t Unsigned() const {
    if (!value_.is_number_unsigned()) throw Mismatch("a whole number from 0");
    return value_.get<std::uint64_t>();
  }

  std::vector<ConfigValue> Items() const {
    if (!value_.is_array()) throw Mismatch("an array");
    std::vector<ConfigValue> items;
    for (std::size_t i = 0; i < value_.size(); ++i) {
      items.emplace_back(config_, fmt::format("{}[{}]", key_, i), value_[i]);
    }
    return items;
  }

  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const ConfigValue& item : Items()) texts.push_back(item.Text());
    return texts;
  }

  std::map<std::string, std::string> TextByName() const {
    if (!value_.is_object()) throw Mismatch("an object");
    std::map<std::string, std::string> result;
    for (const auto& [name, text] : value_.items()) {
      result[name] = ConfigValue(config_, fmt::format("{}.{}", key_, name), text).Text();
    }
    return result;
  }

  std::map<std::string, std::vector<std::string>> TextsByName() const {
    if (!value_.is_object()) throw Mismatch("an object");
    std::map<std::string, std::vector<std::string>> result;
    for (const auto& [name, texts] : value_.items()) {
      result[name] = ConfigValue(config_, fmt::format("{}.{}", key_, name), texts).Texts();
    }
    return result;
  }

 private:
  Error Mismatch(std::string_view expected) const {
    return ConfigError(config_, fmt::format("'{}' is {}, found {}", key_, expected, value_.dump()));
  }

  const Config& config_;
  std::string key_;
  const json& value_;
};

using Setter = std::function<void(Config&, const ConfigValue&)>;

const std::map<std::string, Setter>& ConfigKeys() {
  static const std::map<std::string, Setter> keys = {
      {"format",
       [](Config& c, const ConfigValue& v) {
         c.format = v.Text();
         c.names_format = true;
       }},
      {"path", [](Config& c, const ConfigValue& v) { c.path = v.Path(); }},
      {"database_url_env", [](Config& c, const ConfigValue& v) { c.database_url_env = v.Text(); }},
      {"model",
       [](Config& c, const ConfigValue& v) {
         c.model = v.Text().starts_with("python:") ? std::filesystem::path(v.Text()) : v.Path();
       }},
      {"squash", [](Config& c, const ConfigValue& v) { c.squash = v.Path(); }},
      {"before",
       [](Config& c, const ConfigValue& v) {
         for (const ConfigValue& item : v.Items()) c.before.push_back(item.Path());
       }},
      {"postgres",
       [](Config& c, const ConfigValue& v) {
         c.postgres = v.IsArray() ? fmt::format("{}", fmt::join(v.Texts(), ",")) : v.Text();
         c.names_postgres = true;
       }},
      {"untrusted", [](Config& c, const ConfigValue& v) { c.untrusted = v.Truth(); }},
      {"extensions", [](Config& c, const ConfigValue& v) { c.extensions = v.Texts(); }},
      {"laws", [](Config& c, const ConfigValue& v) { c.laws = v.Texts(); }},
      {"jobs", [](Config& c, const ConfigValue& v) { c.jobs = v.Natural(); }},
      {"seed", [](Config& c, const ConfigValue& v) { c.seed = v.Unsigned(); }},
      {"cases", [](Config& c, const ConfigValue& v) { c.cases = v.Natural(); }},
      {"shrink_budget_evaluations", [](Config& c, const ConfigValue& v) { c.shrink_budget_evaluations = v.Natural(); }},
      {"shrink_budget_ms", [](Config& c, const ConfigValue& v) { c.shrink_budget_ms = v.Natural(); }},
      {"step_timeout_ms", [](Config& c, const ConfigValue& v) { c.step_timeout_ms = v.Natural(); }},
      {"regressions", [](Config& c, const ConfigValue& v) { c.regressions = v.Path(); }},
      {"waivers", [](Config& c, const ConfigValue& v) { c.waivers = v.Path(); }},
      {"lock_timeout_ms", [](Config& c, const ConfigValue& v) { c.lock_timeout_ms = v.Natural(); }},
      {"statement_timeout_ms", [](Config& c, const ConfigValue& v) { c.statement_timeout_ms = v.Natural(); }},
      {"profile", [](Config& c, const ConfigValue& v) { c.forward_only = IsForwardOnly(v.Text()); }},
      {"tool", [](Config& c, const ConfigValue& v) { c.tool = v.TextByName(); }},
      {"declarations", [](Config& c, const ConfigValue& v) { c.declarations = v.TextsByName(); }},
  };
  return keys;
}

// The library keeps the last of two equal keys and says nothing.
json ParseWithoutDuplicates(const Config& config, const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw ConfigError(config, fmt::format("the key '{}' is there twice", parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return json::parse(text, check, true, true);
  } catch (const json::parse_error& failure) {
    const std::size_t at = std::min(failure.byte > 0 ? failure.byte - 1 : 0, text.size());
    const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw Error(ErrorKind::kUsage, "not JSON")
        .WithLocation({config.file.string(), static_cast<int>(lines) + 1})
        .WithHint(failure.what());
  }
}

}  // namespace

Config LoadConfig(const std::filesystem::path& file) {
  Config config;
  config.file = file;
  config.path = (file.parent_path() / config.path).lexically_normal();
  config.waivers = (file.parent_path() / config.waivers).lexically_normal();
  config.regressions = (file.parent_path() / config.regressions).lexically_normal();
  const json document = ParseWithoutDuplicates(config, ReadTextFile(file));
  if (!document.is_object()) throw ConfigError(config, "the configuration is one JSON object");
  for (const auto& [key, value] : document.items()) {
    const auto setter = ConfigKeys().find(key);
    if (setter != ConfigKeys().end()) {
      setter->second(config, ConfigValue(config, key, value));
      continue;
    }
    std::vector<std::string> known;
    for (const auto& [name, unused] : ConfigKeys()) known.push_back(name);
    throw ConfigError(config, fmt::format("unknown key '{}'", key))
        .WithHint(NearNameHint(key, known, fmt::format("the keys there are: {}", fmt::join(known, ", "))));
  }
  return config;
}

Config LoadConfigIfThere(const std::filesystem::path& file) {
  std::error_code failure;
  return std::filesystem::exists(file, failure) || failure ? LoadConfig(file) : Config();
}

bool IsForwardOnly(const std::string& profile) {
  if (profile == "forward-only") return true;
  if (profile == "both-ways") return false;
  throw Error(ErrorKind::kUsage, fmt::format("there is no profile '{}'", profile))
      .WithHint(NearNameHint(profile, {"forward-only", "both-ways"}, "forward-only or both-ways"));
}

void ApplyDeclarations(const Config& config, std::vector<Revision>& revisions) {
  for (const auto& [id, texts] : config.declarations) {
    const std::string& wanted = id;
    const auto revision =
        std::find_if(revisions.begin(), revisions.end(), [&](const Revision& r) { return r.id == wanted; });
    if (revision == revisions.end()) {
      std::vector<std::string> ids;
      for (const Revision& candidate : revisions) ids.push_back(candidate.id);
      throw ConfigError(config, fmt::format("'declarations' names revision '{}', which is not in {} ({} read)", id,
                                            config.path.string(), revisions.size()))
          .WithHint(NearNameHint(id, ids));
    }
    for (const std::string& text : texts) {
      revision->declarations.push_back(ParseDeclaration(text, {config.file.string(), 0}));
    }
  }
}

ToolSettings ToolSettingsOf(const Config& config) {
  ToolSettings settings{config.path, config.database_url_env, config.tool};
  // A relative interpreter counts from the configuration's directory.
  if (const auto python = settings.values.find("python"); python != settings.values.end()) {
    const std::filesystem::path path = python->second;
    if (path.has_parent_path() && path.is_relative()) {
      python->second = std::filesystem::absolute(config.file.parent_path() / path).lexically_normal().string();
    }
  }
  return settings;
}

void SettleFormat(Config& config, std::ostream& err) {
  if (config.names_format && config.format != kAutoFormat) return;
  const std::optional<RecognisedFormat> found =
      config.names_format ? RecogniseFormat(config.path) : RecogniseFormatIfAny(config.path);
  if (found) {
    const bool said = config.names_format || found->name != config.format;
    if (said) err << fmt::format("format: {}, since {}\n", found->name, found->by);
    config.format = found->name;
  }
  config.names_format = true;
}

std::vector<Revision> ReadRevisions(const Config& config) {
  std::vector<Revision> revisions = Registry<Format>::Get(config.format).ReadWith(ToolSettingsOf(config));
  ApplyDeclarations(config, revisions);
  return revisions;
}

std::vector<Revision> ReadHistory(const Config& config) {
  std::vector<Revision> revisions = ReadRevisions(config);
  if (revisions.empty()) {
    throw Error(ErrorKind::kHistory,
                fmt::format("'{}' holds no revisions in the format '{}'", config.path.string(), config.format))
        .WithHint("check --path and --format; 'migproof revision -m TITLE' begins a history");
  }
  return revisions;
}

History LoadHistory(const Config& config) { return History(ReadHistory(config)); }

std::string DatabaseUrl(const Config& config, const std::string& given) {
  const char* environment = std::getenv(config.database_url_env.c_str());  // NOLINT(concurrency-mt-unsafe)
  std::string url = !given.empty() ? given : environment == nullptr ? "" : environment;
  if (url.empty()) {
    throw Error(ErrorKind::kUsage, "no database is given")
        .WithHint(fmt::format("--database URL, or the environment variable {}", config.database_url_env));
  }
  const std::size_t scheme = url.find("://");
  const std::size_t driver = url.find('+');
  if (scheme != std::string::npos && driver < scheme) url.erase(driver, scheme - driver);
  return url;
}

}  // namespace migproof
